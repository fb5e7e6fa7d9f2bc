"""What may name an app. PURE."""

import re
from collections.abc import Iterable

from deis_node.cluster.names import APP_ID_LIMIT, is_app_id

STORE_SUBDOMAIN = "deis-store"
"""Taken by the router for the store's gateway (semantics.md 16.1)."""

_SLUG = re.compile(r"[A-Za-z0-9_-]+")
_CHARACTERS = re.compile(r"[a-z0-9-]+")
_NOT_A_SLUG = "Enter a valid 'slug' consisting of letters, numbers, underscores or hyphens."


def reserved_names(controller_subdomain: str) -> frozenset[str]:
    """First labels that the router keeps for the platform."""
    return frozenset({controller_subdomain, STORE_SUBDOMAIN})


def check_app_id(text: str, reserved: Iterable[str]) -> list[str]:
    """Messages about an app's id, all that apply, in the original's order."""
    messages = []
    if len(text) > APP_ID_LIMIT:
        messages.append(f"Ensure this field has no more than {APP_ID_LIMIT} characters.")
    if not _SLUG.fullmatch(text):
        messages.append(_NOT_A_SLUG)
    if not _CHARACTERS.fullmatch(text):
        messages.append("App IDs can only contain [a-z0-9-].")
    elif not messages and not is_app_id(text):
        messages.append("App IDs must start and end with a letter or a digit.")
    if text in reserved:
        messages.append(f"{text} is a reserved name.")
    return messages

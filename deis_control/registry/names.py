"""Names of images in the platform's registry. PURE.

A reference is `127.0.0.1:<port>/<app>@<digest>`: every host relays that port to the registry
wherever it runs now, so a reference outlives any move.
"""

import re
from dataclasses import dataclass

SHORT = 8
"""Digits of a commit in a tag (semantics.md section 1)."""
RELAY_HOST = "127.0.0.1"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(f"{_PART}(?:/{_PART})*")


@dataclass(frozen=True, slots=True)
class Names:
    """Names of images as the hosts of this platform say them."""

    port: int
    """The port on every host that is relayed to the registry."""

    def repository(self, app: str) -> str:
        """Where all images of an app lie."""
        return f"{RELAY_HOST}:{self.port}/{app}"

    def tagged(self, app: str, tag: str) -> str:
        """An image by a tag, which may move."""
        return f"{self.repository(app)}:{tag}"

    def pinned(self, app: str, digest: str) -> str:
        """An image by its digest, which never moves; ValueError when it is none."""
        if not is_digest(digest):
            raise ValueError(f"{digest!r} is no digest")
        return f"{self.repository(app)}@{digest}"

    def is_foreign(self, app: str, reference: str) -> bool:
        """Whether an image lies in the platform's registry and is not this app's.

        Any host counts: each of the platform's relays the port, and has names without number.
        """
        address, slash, path = reference.partition("/")
        _, colon, port = address.rpartition(":")
        ours = bool(slash and colon) and port.lstrip("0") == str(self.port)
        return ours and re.split("[:@]", path, maxsplit=1)[0] != app


def git_tag(commit: str) -> str:
    """The tag of a pushed commit's image."""
    return f"git-{commit[:SHORT]}"


def is_digest(text: str) -> bool:
    """Whether the text is a digest as registries name them."""
    return _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether the text may be a tag."""
    return _TAG.fullmatch(text) is not None


def is_repository(text: str) -> bool:
    """Whether the text may be a repository's path inside a registry."""
    return len(text) <= 255 and _REPOSITORY.fullmatch(text) is not None

"""What a build may be made of: image names, Procfiles. PURE."""

import re
from collections.abc import Mapping

from deis_control.errors import Forbidden, Invalid
from deis_control.rules import parsing, texts
from deis_control.rules.coerce import text_form
from deis_node.cluster.names import is_process_type

IMAGE_LIMIT = 256
SHA_LIMIT = 40
COMMAND_LIMIT = 64 * 1024
"""Bytes of UTF-8."""
PROCFILE_LIMIT = 768 * 1024

_COMPONENTS = (
    "builder",
    "cache",
    "controller",
    "database",
    "logger",
    "logspout",
    "publisher",
    "registry",
    "router",
    "store-admin",
    "store-daemon",
    "store-gateway",
    "store-metadata",
    "store-monitor",
)
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]*")
_SHA = re.compile(r"[0-9A-Za-z]*")


def check_image(text: str) -> list[str]:
    """Messages about an image's name; what pulls it knows the rest of the grammar."""
    return [] if _IMAGE.fullmatch(text) else ["Enter a valid image name."]


def check_sha(text: str) -> list[str]:
    """Messages about a commit."""
    return [] if _SHA.fullmatch(text) else ["Enter a valid commit."]


def refuse_platform_image(image: str) -> None:
    """Forbidden when the image is one of the platform's own components."""
    repository = _repository(image)
    if any(f"deis/{component}" in repository for component in _COMPONENTS):
        raise Forbidden(f"Repository name {repository} is not allowed")


def procfile(data: Mapping[str, object]) -> dict[str, str]:
    """The posted `procfile`, an object or the JSON text of one; Invalid otherwise."""
    found = data.get("procfile", {})
    if isinstance(found, str):
        found = _decoded(found)
    if found is None:
        raise _invalid(texts.NULL)
    if not isinstance(found, Mapping):
        raise _invalid("This field must be an object.")
    commands = {kind: text_form(command) for kind, command in found.items()}
    for kind, command in commands.items():
        _check_command(kind, command, found[kind])
    if sum(len(kind) + texts.byte_length(c) for kind, c in commands.items()) > PROCFILE_LIMIT:
        raise _invalid(f"A Procfile may have {PROCFILE_LIMIT} bytes.")
    return commands


def _check_command(kind: str, command: str, given: object) -> None:
    if not is_process_type(kind):
        shown = ascii(kind)[1:65]
        raise _invalid(f"{shown}: process types are letters, digits, - and _, at most 64")
    if given is None or isinstance(given, list | Mapping):
        raise _invalid(f"{kind}: {texts.NOT_TEXT}")
    reason = texts.unstorable(command)
    if reason is not None:
        raise _invalid(f"{kind}: {reason}")
    if texts.byte_length(command) > COMMAND_LIMIT:
        raise _invalid(f"{kind}: a command may have {COMMAND_LIMIT} bytes")


def _decoded(text: str) -> object:
    if not text:
        return {}
    try:
        return parsing.read_json(text)
    except ValueError as err:
        raise _invalid("This field must be an object.") from err


def _invalid(message: str) -> Invalid:
    return Invalid({"procfile": [message]})


def _repository(image: str) -> str:
    """The image's name without tag and digest."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"

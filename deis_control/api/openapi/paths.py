"""The parts of paths, and the groups that routes stand in. PURE."""

import re
from collections.abc import Mapping

from deis_control.api.openapi.declaring import Parameter
from deis_control.api.openapi.schema import text
from deis_control.api.routes import PARTS, Route

_UUID = "de1bf5b5-4a72-4f94-a10c-d2a3741cdf75"

_DOCS: Mapping[str, tuple[str, str]] = {
    "app": ("The app's id.", "hello"),
    "common_name": ("The certificate's common name.", "www.example.org"),
    "domain": ("The host name.", "www.example.org"),
    "host": ("The host's name.", "host-1"),
    "id": ("The key's name; a slash at its end is part of it.", "ben@laptop"),
    "num": ("The number: of a container among those of its type, or of a command.", "1"),
    "operation": ("The operation's id.", _UUID),
    "other": ("The other release's number.", "1"),
    "type": ("The process type.", "web"),
    "username": ("A user name.", "ben"),
    "uuid": ("Its uuid.", _UUID),
    "version": ("The release's number.", "2"),
}
_TAGS: Mapping[str, str] = {
    "audit": "Audit trail",
    "auth": "Accounts",
    "certs": "Certificates",
    "configs": "Config, limits and tags",
    "description": "Platform",
    "hooks": "Builder hooks",
    "keys": "Public keys",
    "perms": "Grants",
    "root": "Platform",
    "runs": "One-off commands",
    "users": "Accounts",
}


def path_parameters(route: Route) -> list[Parameter]:
    """The variable parts of the route's path; KeyError for one that is not described here."""
    return [_part(name) for name in re.findall(r"\{(\w+)\}", route.path)]


def tag_of(route: Route) -> str:
    """The group that the route stands in: its handler's module, under a name for people."""
    module = route.endpoint.handler.__module__.rpartition(".")[2]
    return _TAGS.get(module, module.capitalize())


def _part(name: str) -> Parameter:
    doc, example = _DOCS[name]
    pattern = PARTS[name]
    plain = not pattern.startswith("(?")  # a flag of Python's; JSON Schema knows none
    schema = text(doc, example, blank=False, pattern=f"^{pattern}$" if plain else None)
    return Parameter(name, schema, "path")

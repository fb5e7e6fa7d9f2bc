"""What `--json` prints: the keys of the API's objects that each command hands on.

Keys stay; new ones may come. Only the reference page and its test read this.
"""

from collections.abc import Mapping

APP = ("uuid", "id", "owner", "url", "structure", "created", "updated")
COPY = ("owner", "app", "release", "type", "num", "state", "created", "updated", "uuid")
DOMAIN = ("owner", "created", "updated", "app", "domain")
BUILD = (
    *("owner", "app", "image", "sha", "procfile", "dockerfile"),
    *("created", "updated", "uuid"),
)
RELEASE = (
    *("uuid", "app", "owner", "created", "updated", "version", "summary"),
    *("config", "build"),
)
CONFIG = ("uuid", "app", "owner", "values", "memory", "cpu", "tags", "created", "updated")
USER = (
    *("email", "username", "first_name", "last_name", "is_superuser", "is_staff"),
    *("groups", "user_permissions", "last_login", "date_joined", "is_active"),
)
KEY = ("uuid", "owner", "fingerprint", "created", "updated", "id", "public")
CERT = ("id", "owner", "expires", "created", "updated", "common_name")
OPERATION = (
    *("id", "app", "seq", "kind", "actor", "summary", "release", "phase", "outcome"),
    *("cancel", "reason", "created", "started", "ended"),
)
TOKEN = ("id", "name", "scope", "app", "created", "last_used", "expires", "current")
AUDIT = (
    *("id", "at", "actor", "address", "token", "action", "app", "target"),
    *("before", "after", "outcome"),
)
DIFF = ("app", "from", "to", "build", "procfile", "values", "memory", "cpu", "tags")

LISTS: Mapping[str, tuple[str, ...]] = {
    "apps:list": APP,
    "ps:list": COPY,
    "domains:list": DOMAIN,
    "builds:list": BUILD,
    "releases:list": RELEASE,
    "operations:list": OPERATION,
    "certs:list": CERT,
    "keys:list": KEY,
    "perms:list": ("username",),
    "tokens:list": TOKEN,
    "users:list": USER,
    "audit": AUDIT,
}
"""Command → keys of each object in the array that it prints."""

OBJECTS: Mapping[str, tuple[str, ...]] = {
    "apps:info": (*APP, "containers", "domains"),
    "ps:explain": ("app", "release", "structure", "stopped", "processes", "missing"),
    "config:list": CONFIG,
    "limits:list": ("memory", "cpu"),
    "releases:info": RELEASE,
    "releases:diff": DIFF,
    "operations:info": (*OPERATION, "phases"),
    "tokens:create": (*TOKEN, "token"),
    "auth:whoami": ("username", "controller"),
}
"""Command → keys of the object that it prints. `tags:list` prints the tags: name → value."""

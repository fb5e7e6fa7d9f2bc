"""Settings → nginx' static configuration, by jinja2. PURE but for reading its own template.

Nothing of a user is in it: hosts, apps and addresses are rows of the shared table. What an
operator sets is typed before it comes here (settings.py, platform.py).
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from deis_node.router.platform import PlatformSettings
from deis_node.router.settings import RouterSettings, listen_address

_HASH_LENGTH = 16
_DESCRIPTORS_PER_CONNECTION = 2
_DESCRIPTORS_BESIDE = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process that renders may do on this host."""

    root: bool
    """Whether workers can be another user's."""
    open_files: int
    """The most files that a process may have open."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """nginx' configuration, and an id by which a running nginx says that it has it."""

    id: str
    text: str
    lua: str
    """The folder of the Lua code that it names, see `lua_files`."""


@cache
def lua_files() -> dict[str, str]:
    """Our Lua code: file name → text."""
    folder = resources.files(__package__) / "lua"
    files = (entry for entry in folder.iterdir() if entry.name.endswith(".lua"))
    return {entry.name: entry.read_text(encoding="utf-8") for entry in files}


@cache
def lua_folder() -> str:
    """The folder that this version's Lua code lies in; another one when the code differs."""
    whole = "".join(f"{name}\0{text}\0" for name, text in sorted(lua_files().items()))
    return f"lua-{_digest(whole)}"


def prepare() -> None:
    """Read template and code from disk, for callers that must not do so later."""
    lua_folder()
    _template()


def render(host: RouterSettings, platform: PlatformSettings, limits: Limits) -> Configuration:
    """The configuration for these settings; the same ones give the same text."""
    text = _render(host, platform, limits, "")
    name = _digest(text)
    return Configuration(name, _render(host, platform, limits, name), lua_folder())


def _render(host: RouterSettings, platform: PlatformSettings, limits: Limits, name: str) -> str:
    wanted = platform.worker_connections * _DESCRIPTORS_PER_CONNECTION + _DESCRIPTORS_BESIDE
    return _template().render(
        id=name,
        host=host,
        platform=platform,
        lua=lua_folder(),
        user=host.user if limits.root else "",
        workers=host.worker_processes or platform.worker_processes,
        open_files=min(wanted, limits.open_files),
        listen=[listen_address(address) for address in host.listen],
        health_listen=[listen_address(address) for address in host.health_listen],
    )


@cache
def _template() -> Template:
    # No escaping: this is not HTML, and every value is typed.
    environment = Environment(  # noqa: S701
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["on"] = lambda value: "on" if value else "off"
    environment.filters["whole"] = lambda value: max(1, round(value))
    folder = resources.files(__package__) / "templates"
    return environment.from_string((folder / "nginx.conf.j2").read_text(encoding="utf-8"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]

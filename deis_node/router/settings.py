"""What an operator sets for the router of one host, in `node.toml` or the environment.

Settings that hold for all routers of the platform are keys in etcd, see platform.py.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from deis_node.runtime.settings import setting

_PATH = re.compile(r"/[A-Za-z0-9._/+-]*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def listen_address(text: str) -> str:
    """An `ip:port` as nginx wants it; ValueError when it is none."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not an ip:port")
    if host == "*":
        return f"*:{int(port)}"
    ip = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    return f"[{ip}]:{int(port)}" if ip.version == 6 else f"{ip}:{int(port)}"


@dataclass(frozen=True, slots=True)
class RouterSettings:
    """The router of this host."""

    listen: tuple[str, ...] = setting(
        ("0.0.0.0:80",), "Addresses, `ip:port`, that take HTTP requests."
    )
    health_listen: tuple[str, ...] = setting(
        (), "Addresses, `ip:port`, that answer `/health-check` only, for load balancers."
    )
    platform_domain: str = setting(
        "", "The platform's domain; a custom domain below it yields to the app of that name."
    )
    nginx: Path = setting(Path("/usr/sbin/nginx"), "The nginx program.")
    modules: Path = setting(
        Path("/usr/lib/nginx/modules"), "Where nginx' Lua module and its kit (ndk) lie."
    )
    lua_library: Path = setting(Path("/usr/share/lua/5.1"), "Where lua-resty-core lies.")
    user: str = setting("www-data", "The user that nginx' workers run as.")
    worker_processes: int = setting(
        0, "nginx workers on this host; 0 leaves it to the platform setting workerProcesses."
    )
    connect_timeout: float = setting(
        2.0, "Seconds that one peer may take to accept a connection before the next is tried."
    )
    first_table_wait: float = setting(
        2.0, "Seconds that a request waits for the first table after nginx has started."
    )
    table_mb: int = setting(64, "Size of the shared table of routes, in MiB.")
    log_limit_mb: int = setting(
        100, "Size in MiB at which a log file of nginx is put aside; one older one is kept."
    )

    log_look: float = setting(60.0, "Seconds between two looks at the size of these files.")

    def __post_init__(self) -> None:
        for address in (*self.listen, *self.health_listen):
            listen_address(address)
        for path in (self.nginx, self.modules, self.lua_library):
            if not _PATH.fullmatch(str(path)):
                raise ValueError(f"{path} is not an absolute path of plain characters")
        if not _USER.fullmatch(self.user):
            raise ValueError(f"{self.user!r} is not a user name")
        if not self.listen:
            raise ValueError("listen is empty")
        if min(self.connect_timeout, self.first_table_wait, self.log_look) <= 0:
            raise ValueError("timeouts must be above 0")
        if self.worker_processes < 0 or min(self.table_mb, self.log_limit_mb) < 1:
            raise ValueError("sizes must be above 0")

"""The platform's settings of the router, `/deis/router/<name>` in etcd, typed. PURE.

Names, meaning and defaults are those of semantics.md section 16.3. Values are texts, as
`deisctl config router set` writes them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from deis_node.router import values
from deis_node.router.values import Network

GZIP_TYPES = (
    "application/atom+xml",
    "application/javascript",
    "application/json",
    "application/rss+xml",
    "application/vnd.ms-fontobject",
    "application/x-font-ttf",
    "application/x-web-app-manifest+json",
    "application/xhtml+xml",
    "application/xml",
    "font/opentype",
    "image/svg+xml",
    "image/x-icon",
    "text/css",
    "text/plain",
    "text/x-component",
)

_LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")
_PROXIED = (
    "off",
    "expired",
    "no-cache",
    "no-store",
    "private",
    "no_last_modified",
    "no_etag",
    "auth",
    "any",
)


def _named(name: str, read: Callable[[str], Any], default: Any) -> Any:
    return field(default=default, metadata={"name": name, "read": read})


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """All platform settings of the router; times in seconds, sizes as nginx writes them."""

    worker_processes: int = _named("workerProcesses", values.workers, 0)
    worker_connections: int = _named("maxWorkerConnections", values.integer(64, 1_000_000), 768)
    server_tokens: bool = _named("serverTokens", values.flag, True)
    default_timeout: float = _named("defaultTimeout", values.seconds, 1300.0)
    body_size: str = _named("bodySize", values.size, "1m")
    error_log_level: str = _named("errorLogLevel", values.word_of(*_LEVELS), "error")
    gzip: bool = _named("gzip", values.flag, True)
    gzip_level: int = _named("gzipCompLevel", values.integer(1, 9), 5)
    gzip_disable: str = _named("gzipDisable", values.agents, "msie6")
    gzip_version: str = _named("gzipHttpVersion", values.word_of("1.0", "1.1"), "1.1")
    gzip_min_length: int = _named("gzipMinLength", values.integer(0, 1 << 30), 256)
    gzip_proxied: tuple[str, ...] = _named("gzipProxied", values.words_of(*_PROXIED), ("any",))
    gzip_types: tuple[str, ...] = _named("gzipTypes", values.mime_types, GZIP_TYPES)
    gzip_vary: bool = _named("gzipVary", values.flag, True)
    proxy_protocol: bool = _named("proxyProtocol", values.flag, False)
    real_ip_from: tuple[Network, ...] = _named(
        "proxyRealIpCidr", values.networks, (values.network("10.0.0.0/8"),)
    )
    hsts: bool = _named("hsts/enabled", values.flag, False)
    hsts_max_age: int = _named("hsts/maxAge", values.integer(0, 1 << 31), 10886400)
    hsts_subdomains: bool = _named("hsts/includeSubDomains", values.flag, False)
    hsts_preload: bool = _named("hsts/preload", values.flag, False)
    enforce_https: bool | None = _named("enforceHTTPS", values.flag, None)
    enforce_whitelist: bool = _named("enforceWhitelist", values.flag, False)
    controller_whitelist: tuple[Network, ...] | None = _named(
        "controller/whitelist", values.guests, None
    )
    controller_connect: float = _named("controller/timeout/connect", values.seconds, 10.0)
    controller_send: float = _named("controller/timeout/send", values.seconds, 1200.0)
    controller_read: float = _named("controller/timeout/read", values.seconds, 1200.0)

    @property
    def https_only(self) -> bool:
        """Whether plain HTTP is sent to https; HSTS implies it unless it is set by itself."""
        return self.hsts if self.enforce_https is None else self.enforce_https


def read(texts: Mapping[str, str]) -> tuple[PlatformSettings, dict[str, str]]:
    """The settings of these texts by name, and what is wrong, by name, as sentences.

    A wrong value leaves its default in place; names that are not the router's are ignored.
    """
    found: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for entry in fields(PlatformSettings):
        name = entry.metadata["name"]
        if name not in texts:
            continue
        try:
            found[entry.name] = entry.metadata["read"](texts[name])
        except ValueError as err:
            problems[name] = str(err)
    return PlatformSettings(**found), problems

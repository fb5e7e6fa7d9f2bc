"""What the use cases and the API must know of the platform's settings."""

from collections.abc import Callable
from dataclasses import dataclass, field

from deis_control.ldap.settings import LdapKeys


@dataclass(frozen=True, slots=True)
class Platform:
    """Settings as they are now; whoever holds one asks `Current` again for the next request."""

    domain: str
    """The platform domain: apps answer at `<app>.<domain>`."""
    subdomain: str = "deis"
    """The first label of the controller's own name."""
    registration_mode: str = "enabled"
    """`enabled`, `disabled` or `admin_only` (api.md 2.1)."""
    builder_port: int = 2222
    router_port: int = 80
    trusted_proxies: str = "127.0.0.0/8,::1/128"
    """Address blocks of routers, comma-separated: their `X-Forwarded-For` is believed."""
    builder_key: str = field(default="", repr=False)
    """What a builder outside this process shows; empty lets none in."""
    ldap: LdapKeys | None = None
    """The directory that logins are checked with, too."""


Current = Callable[[], Platform]
"""Asks for the settings of this moment."""

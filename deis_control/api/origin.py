"""From where a request comes: its client's address, through routers that are trusted. PURE."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web

from deis_control.model import Login
from deis_control.services.audit import Origin
from deis_control.services.platform import Platform

_Networks = tuple[IPv4Network | IPv6Network, ...]


def origin_of(request: web.Request, login: Login | None, platform: Platform) -> Origin:
    """The address that the request came from, and the named token that it carries."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    address = client_address(request.remote or "", forwarded, platform.trusted_proxies)
    return Origin(address, login.token.name if login is not None else "")


def client_address(peer: str, forwarded: str, trusted: str) -> str:
    """The last address that no trusted proxy reported for another; the peer's own otherwise.

    Only what a trusted proxy says of its peer is believed.
    """
    networks = _networks(trusted)
    address = peer
    for claimed in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _within(address, networks):
            break
        if not _is_address(claimed):
            break
        address = claimed
    return address


def _within(address: str, networks: _Networks) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone is of one host, and may be of any length


@lru_cache(maxsize=8)
def _networks(text: str) -> _Networks:
    """The blocks of a comma-separated list; entries that are none are passed over."""
    found = []
    for part in text.split(","):
        try:
            found.append(ip_network(part.strip(), strict=False))
        except ValueError:
            continue
    return tuple(found)

"""What the keys in etcd mean to a router: routes, peers, hosts and controllers, typed. PURE.

Nothing untyped leaves this module: an app's name is an app id, a domain a host name, an address
an IP address and a port, a network two numbers. So no text of a user can mean anything else in
a row of the table (rows.py), whatever its author wrote into it.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deis_node.cluster import keys, names
from deis_node.cluster.records import Address, Endpoint, Host, RecordError, Route
from deis_node.router import values
from deis_node.router.values import Network
from deis_node.runtime.errors import DeisError

_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
    r"(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_RELEASE = re.compile(r"[1-9][0-9]{0,17}")
_WEIGHT_LIMIT = 1_000_000


class ModelError(DeisError):
    """A key or value makes no sense to a router; the sentence says why."""


@dataclass(frozen=True, slots=True)
class AppRoute:
    """An app's route, checked."""

    weights: Mapping[int, int] = field(default_factory=dict)
    """Release → weight above 0."""
    domains: tuple[str, ...] = ()
    guests: tuple[Network, ...] | None = None
    """Who may come in; None lets everybody in, an empty one nobody."""
    problems: tuple[str, ...] = ()
    """What of the record was left out, as sentences."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Where one copy answers."""

    address: str
    """`ip:port`, in one spelling only."""
    host: str
    release: int
    revision: int = 0
    """Of the key's last change; 0 for one that is kept although its key is gone."""

    @property
    def ip(self) -> str:
        """The address without the port."""
        return self.address.rpartition(":")[0]


def app_of_route(key: str) -> str:
    """The app whose route a key holds; ModelError when the key names none."""
    app = keys.tail(key, keys.ROUTES)
    if not names.is_app_id(app):
        raise ModelError("the key names no app")
    return app


def app_of_service(key: str) -> tuple[str, str]:
    """App and container of an endpoint's key; ModelError when it names none."""
    try:
        app, container = keys.pair(key, keys.SERVICES)
    except ValueError as err:
        raise ModelError("the key names no endpoint") from err
    if not names.is_app_id(app):
        raise ModelError("the key names no app")
    return app, container


def read_route(app: str, value: bytes) -> AppRoute:
    """The route of an app; ModelError when it cannot be used at all.

    A wrong domain or whitelist entry is left out alone, and named in `problems`: the app then
    has fewer names, or fewer guests, than its author wrote.
    """
    try:
        record = Route.from_bytes(value)
    except (RecordError, RecursionError) as err:
        raise ModelError(str(err)) from err
    if record.app != app:
        raise ModelError(f"the record is of another app: {_shown(record.app)}")
    domains, bad_domains = _domains(record.domains)
    guests, bad_guests = _guests(record.whitelist)
    weights = _weights(record.releases)
    return AppRoute(weights, domains, guests, (*bad_domains, *bad_guests))


def read_peer(value: bytes, revision: int) -> Peer:
    """The endpoint of a copy; ModelError when it is none."""
    try:
        record = Endpoint.from_bytes(value)
    except (RecordError, RecursionError) as err:
        raise ModelError(str(err)) from err
    return Peer(read_address(record.address), record.host, record.release, revision)


def read_host(value: bytes) -> str:
    """The IP address of a host's record; ModelError when there is none in it."""
    try:
        return str(ipaddress.ip_address(Host.from_bytes(value).address))
    except (RecordError, RecursionError, ValueError) as err:
        raise ModelError(str(err)) from err


def read_controller(value: bytes, revision: int) -> Peer:
    """The address of a controller; ModelError when there is none in it."""
    try:
        address = Address.from_bytes(value).address
    except (RecordError, RecursionError) as err:
        raise ModelError(str(err)) from err
    return Peer(read_address(address), "", 0, revision)


def read_address(text: str) -> str:
    """An `ip:port` in its one spelling, `[ip]:port` for IPv6; ModelError when it is none."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ModelError(f"{_shown(text)} is not an ip:port")
    try:
        ip = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError as err:
        raise ModelError(f"{_shown(text)} is not an ip:port") from err
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.scope_id is not None:
            raise ModelError(f"{_shown(text)} is not an ip:port")
        return f"[{ip}]:{int(port)}"
    return f"{ip}:{int(port)}"


def read_domain(text: str) -> str:
    """A custom domain in lower case without a trailing dot; ModelError when it is none."""
    # Checked before it is lowered: the lower case of some other scripts' letters is ASCII.
    if text.isascii():
        domain = text.removesuffix(".").lower()
        if _DOMAIN.fullmatch(domain):
            return domain
    raise ModelError(f"{_shown(text)} is not a domain")


def _domains(texts: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    found: dict[str, None] = {}
    problems = []
    for text in texts:
        try:
            found[read_domain(text)] = None
        except ModelError as err:
            problems.append(str(err))
    return tuple(found), problems


def _guests(texts: Iterable[str] | None) -> tuple[tuple[Network, ...] | None, list[str]]:
    if texts is None:
        return None, []
    found: dict[Network, None] = {}
    problems = []
    for text in texts:
        try:
            found[values.guest(text)] = None
        except ValueError as err:
            problems.append(f"whitelist: {err}")
    return tuple(found), problems


def _weights(releases: Mapping[str, int]) -> dict[int, int]:
    """Release → weight, of those above 0; ModelError for what are no numbers."""
    weights = {}
    for release, weight in releases.items():
        if not _RELEASE.fullmatch(release) or not 0 <= weight <= _WEIGHT_LIMIT:
            raise ModelError(f"release {_shown(release)} with weight {weight} makes no sense")
        if weight:
            weights[int(release)] = weight
    return weights


def _shown(text: str) -> str:
    """A hostile text, fit for a log line or a record."""
    return ascii(text[:80])

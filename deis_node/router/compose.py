"""What is known of an app → its rows, the addresses in them, and what is wrong. PURE."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from deis_node.router.model import AppRoute, Peer
from deis_node.router.rows import Group, Kind, domain_key, label_key, row
from deis_node.router.values import Network

_ERROR_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for all apps and for the controllers."""

    controller: str = "deis"
    """The label under which the controllers answer; no app can have it."""
    controller_guests: tuple[Network, ...] | None = None
    whitelist_enforced: bool = False
    """Whether an app without a whitelist lets nobody in."""
    domain: str = ""
    """The platform's domain, lower case; empty when it is not known."""

    def covers(self, domain: str) -> bool:
        """Whether a custom domain is the platform's own or below it."""
        return bool(self.domain) and f".{domain}".endswith(f".{self.domain}")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Host name → IP address, of those with a record and of all that ever had one."""

    live: Mapping[str, str]
    known: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Composed:
    """The rows of one app, or of the controllers."""

    rows: Mapping[str, str] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()
    errors: str = ""


RESERVED = Composed(errors="the name is reserved for the controllers")
"""Of an app under the controllers' label, whatever its route says."""


def app_rows(
    name: str,
    route: AppRoute,
    peers: Mapping[str, Peer],
    hosts: Hosts,
    policy: Policy,
    owner: Callable[[str], str | None],
) -> Composed:
    """The rows of an app: one under its label, and one for each custom domain that it has.

    Peers count when the route gives their release a weight and their address is the one of a
    host that is known; those of hosts without a record are a last resort.
    """
    if name == policy.controller:
        return RESERVED
    errors = list(route.problems)
    fit = []
    for container, peer in sorted(peers.items()):
        if peer.release not in route.weights:
            continue
        if hosts.known.get(peer.host) == peer.ip.strip("[]"):
            fit.append(peer)
        else:
            errors.append(f"{container}: {peer.address} is not an address of its host")
    guests = route.guests
    if guests is None and policy.whitelist_enforced:
        guests = ()
    first = _groups(route.weights, (peer for peer in fit if peer.host in hosts.live))
    last = _groups(route.weights, (peer for peer in fit if peer.host not in hosts.live))
    key = label_key(name)
    rows = {key: row(Kind.APP, name, guests, first, last)}
    for domain in route.domains:
        if owner(domain) == name:
            rows[domain_key(domain, weak=policy.covers(domain))] = key
        else:
            errors.append(f"{domain} belongs to another app")
    return Composed(rows, frozenset(peer.address for peer in fit), shortened(errors))


def unreadable_rows(name: str, problem: str, policy: Policy) -> Composed:
    """The row of an app whose route cannot be read: it exists, and nobody answers."""
    if name == policy.controller:
        return RESERVED
    rows = {label_key(name): row(Kind.APP, name, None)}
    return Composed(rows, errors=shortened([problem]))


def controller_rows(peers: Mapping[str, Peer], hosts: Hosts, policy: Policy) -> Composed:
    """The row of the controllers; those on hosts without a record are a last resort.

    A controller need not be on a host of the cluster: then nothing is known against it.
    """
    guests = policy.controller_guests
    if guests is None and policy.whitelist_enforced:
        guests = ()
    gone = set(hosts.known.values()) - set(hosts.live.values())
    addresses = {peer.address for peer in peers.values()}
    last = {peer.address for peer in peers.values() if peer.ip.strip("[]") in gone}
    tiers = [[(1, sorted(found))] if found else [] for found in (addresses - last, last)]
    text = row(Kind.CONTROLLER, policy.controller, guests, *tiers)
    return Composed({label_key(policy.controller): text}, frozenset(addresses))


def shortened(errors: Iterable[str]) -> str:
    """Errors as one sentence that fits into a record."""
    text = "; ".join(errors)
    return text if len(text) <= _ERROR_LIMIT else text[: _ERROR_LIMIT - 1] + "…"


def _groups(weights: Mapping[int, int], peers: Iterable[Peer]) -> list[Group]:
    """The peers' addresses by release, each release with its weight."""
    found: dict[int, list[str]] = {}
    for peer in peers:
        addresses = found.setdefault(peer.release, [])
        if peer.address not in addresses:
            addresses.append(peer.address)
    return [(weights[release], found[release]) for release in sorted(found)]

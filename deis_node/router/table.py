"""The table that nginx shall hold, kept up to date change by change. PURE: no I/O, no clock.

It is told what etcd says, remembers which apps that touches, and makes rows for these alone: a
change costs the same with ten apps and with ten thousand.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from deis_node.router.compose import (
    Composed,
    Hosts,
    Policy,
    app_rows,
    controller_rows,
    shortened,
    unreadable_rows,
)
from deis_node.router.domains import Domains
from deis_node.router.model import AppRoute, Peer


@dataclass(frozen=True, slots=True)
class Delta:
    """What is different from the rows before."""

    sets: Mapping[str, str] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    """Addresses that no row names any more."""
    returned: frozenset[str] = frozenset()
    """Addresses that rows name, and did not before."""

    def __bool__(self) -> bool:
        return bool(self.sets or self.deletes)


@dataclass(slots=True)
class _App:
    """What is known of an app, and what was made of it."""

    route: AppRoute | None = None
    problem: str = ""
    peers: dict[str, Peer] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    """Container → why its endpoint cannot be read."""
    floor: int = 0
    """The revision at which all its endpoints were read; older news is no news."""
    made: Composed = field(default_factory=Composed)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to know of it."""
        return not (self.route or self.problem or self.peers or self.bad)


class Table:
    """Routes, endpoints, hosts and controllers → rows."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.domains = Domains()
        self._policy = policy or Policy()
        self._apps: dict[str, _App] = {}
        self._live: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self._controllers: dict[str, Peer] = {}
        self._controllers_made = Composed()
        self._controllers_dirty = True
        self._dirty: set[str] = set()
        self._rows: dict[str, str] = {}
        self._uses: Counter[str] = Counter()
        self._errors: dict[str, str] = {}

    @property
    def policy(self) -> Policy:
        """What holds for all."""
        return self._policy

    @property
    def rows(self) -> Mapping[str, str]:
        """All rows, as of the last `take`."""
        return self._rows

    @property
    def errors(self) -> Mapping[str, str]:
        """App → why its route is not served as written, as of the last `take`."""
        return self._errors

    @property
    def apps(self) -> tuple[str, ...]:
        """The apps of which anything is known."""
        return tuple(self._apps)

    @property
    def live_hosts(self) -> Mapping[str, str]:
        """The hosts that have a record, with their addresses."""
        return self._live

    @property
    def known_hosts(self) -> Mapping[str, str]:
        """All hosts that ever had a record, with their last addresses."""
        return self._known

    def peer(self, name: str, container: str) -> Peer | None:
        """An app's endpoint as it is known."""
        app = self._apps.get(name)
        return app.peers.get(container) if app else None

    def names(self, address: str) -> bool:
        """Whether some row names this address, as of the last `take`."""
        return self._uses[address] > 0

    def set_policy(self, policy: Policy) -> None:
        """Change what holds for all; the rows of all apps are made anew."""
        if policy != self._policy:
            self._policy = policy
            self._controllers_dirty = True
            self._dirty.update(self._apps)

    def set_route(self, name: str, route: AppRoute | None, problem: str = "") -> None:
        """An app's route; None with a problem when there is one that cannot be read."""
        app = self._app(name)
        app.route, app.problem = route, problem
        self._dirty |= self.domains.claim(name, route.domains if route else ())

    def set_peer(
        self, name: str, container: str, peer: Peer | None, revision: int, problem: str = ""
    ) -> None:
        """One endpoint of an app, None when it is gone or unreadable, as of a revision."""
        app = self._app(name)
        known = app.peers.get(container)
        if revision <= app.floor or (known and revision <= known.revision):
            return
        app.peers.pop(container, None)
        app.bad.pop(container, None)
        if peer is not None:
            app.peers[container] = peer
        elif problem:
            app.bad[container] = problem

    def set_peers(
        self,
        name: str,
        peers: Mapping[str, Peer],
        floor: int,
        *,
        bad: Mapping[str, str] | None = None,
        carry: bool = False,
    ) -> None:
        """All endpoints of an app, as they were at revision `floor`.

        With `carry` those that are missing stay, because the store was made anew and their
        hosts have not spoken yet. They stay until `drop_carried`, or until all endpoints are
        read again and there are some.
        """
        app = self._apps.get(name) or self._app(name)
        app.floor = floor
        kept: dict[str, Peer] = {}
        if carry:
            kept = {key: replace(peer, revision=0) for key, peer in app.peers.items()}
        elif not peers:
            kept = {key: peer for key, peer in app.peers.items() if not peer.revision}
        found = (kept | dict(peers), dict(bad or {}))
        if found != (app.peers, app.bad):
            app.peers, app.bad = found
            self._dirty.add(name)

    def set_host(self, name: str, address: str | None) -> None:
        """A host's IP address; None when its record is gone, and with it perhaps the host."""
        if self._live.get(name) == address:
            return
        if address is None:
            del self._live[name]
        else:
            self._live[name] = self._known[name] = address
        self._controllers_dirty = True
        for other, app in self._apps.items():
            if any(peer.host == name for peer in app.peers.values()):
                self._dirty.add(other)

    def set_controllers(self, peers: Mapping[str, Peer], *, carry: bool = False) -> None:
        """All controllers; with `carry` those known stay when there is none."""
        if carry and not peers:
            self._controllers = {k: replace(p, revision=0) for k, p in self._controllers.items()}
        else:
            self._controllers = dict(peers)
        self._controllers_dirty = True

    def drop_carried(self) -> None:
        """Forget the endpoints that nobody has put into the new store."""
        for name, app in self._apps.items():
            fresh = {key: peer for key, peer in app.peers.items() if peer.revision}
            if len(fresh) != len(app.peers):
                app.peers = fresh
                self._dirty.add(name)
        self.set_controllers({k: p for k, p in self._controllers.items() if p.revision})

    def take(self) -> Delta:
        """Make the rows of what has changed since the last call."""
        exchanged: list[tuple[Composed, Composed]] = []
        hosts = Hosts(self._live, self._known)
        for name in sorted(self._dirty):
            app = self._apps[name]
            before, app.made = app.made, self._compose(name, app, hosts)
            exchanged.append((before, app.made))
            self._note(name, app)
        if self._controllers_dirty:
            before = self._controllers_made
            self._controllers_made = controller_rows(self._controllers, hosts, self._policy)
            exchanged.append((before, self._controllers_made))
        self._dirty, self._controllers_dirty = set(), False
        return self._exchange(exchanged)

    def _app(self, name: str) -> _App:
        self._dirty.add(name)
        return self._apps.setdefault(name, _App())

    def _compose(self, name: str, app: _App, hosts: Hosts) -> Composed:
        if app.route is None:
            if not app.problem:
                return Composed()
            return unreadable_rows(name, app.problem, self._policy)
        made = app_rows(name, app.route, app.peers, hosts, self._policy, self.domains.owner)
        if not app.bad:
            return made
        bad = [f"{container}: {why}" for container, why in sorted(app.bad.items())]
        return replace(made, errors=shortened([made.errors, *bad] if made.errors else bad))

    def _note(self, name: str, app: _App) -> None:
        self._errors.pop(name, None)
        if app.made.errors:
            self._errors[name] = app.made.errors
        if app.empty:
            del self._apps[name]

    def _exchange(self, exchanged: Sequence[tuple[Composed, Composed]]) -> Delta:
        """Put the new rows in the place of the old ones; the difference."""
        old: dict[str, str] = {}
        gone: set[str] = set()
        for before, _ in exchanged:
            old |= before.rows
            gone |= before.addresses
            self._uses.subtract(before.addresses)
        for key in old:
            del self._rows[key]
        unused = {address for address in gone if not self._uses[address]}
        new: dict[str, str] = {}
        came: set[str] = set()
        for _, after in exchanged:
            new |= after.rows
            came |= {address for address in after.addresses if not self._uses[address]}
            self._uses.update(after.addresses)
        self._rows |= new
        withdrawn = frozenset(address for address in unused if not self._uses[address])
        for address in withdrawn:
            del self._uses[address]
        return Delta(
            sets={key: text for key, text in new.items() if old.get(key) != text},
            deletes=tuple(key for key in old if key not in new),
            withdrawn=withdrawn,
            returned=frozenset(came - gone),
        )

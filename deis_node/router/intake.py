"""Keys and values, from etcd or from disk, → the table and the settings. PURE.

It knows which keys a router looks at and what each means. What cannot be read becomes an error
under the name of its app, and touches nobody else.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue, Listing
from deis_node.router import model, platform, values
from deis_node.router.compose import Policy, shortened
from deis_node.router.model import AppRoute, ModelError, Peer
from deis_node.router.platform import PlatformSettings
from deis_node.router.table import Table

CONTROLLER = f"{keys.ROOT}controller/"
PLATFORM = f"{keys.ROOT}platform/"
SETTINGS = f"{keys.ROOT}router/"
SUBDOMAIN = keys.setting("controller", "subdomain")
DOMAIN = keys.setting("platform", "domain")

TABLE_PREFIXES = (keys.ROUTES, keys.SERVICES, keys.HOSTS, CONTROLLER, PLATFORM, SETTINGS)
"""What the table is made of, in the order of reading: endpoints after routes, so that a route
is never applied to endpoints that are older than it."""

Listings = Mapping[str, Listing]
"""By prefix."""

Digest = Mapping[str, AppRoute | Peer | ModelError]
"""Key → what it means."""

_T = TypeVar("_T")


class Intake:
    """What etcd says, put where it belongs."""

    def __init__(self, table: Table, good_settings: Mapping[str, str] | None = None) -> None:
        self.table = table
        self.awaited = 0
        """The revision that routers shall acknowledge; 0 when there is none."""
        self.good_settings: Mapping[str, str] = dict(good_settings or {})
        """The texts that `settings` were read from."""
        self.settings: PlatformSettings = platform.read(self.good_settings)[0]
        """The last settings that were right as a whole."""
        self._default_domain = table.policy.domain
        self._default_controller = table.policy.controller
        self._texts: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._controllers: dict[str, Peer] = {}
        self._routes: dict[str, int] = {}
        self._digest: Digest = {}
        self._problems: dict[str, str] = {}
        self._settings_problem = ""

    @property
    def errors(self) -> dict[str, str]:
        """App → what is wrong with it, and `router` → what is wrong with the settings."""
        errors = {**self.table.errors, **self._problems}
        if self._settings_problem:
            errors["router"] = self._settings_problem
        return errors

    def digest(self, listings: Listings, *, anew: bool) -> Digest:
        """Read what is new of all routes and endpoints: most of the work, and fit for a thread.

        With `anew` all is new: another life of the store counts its revisions anew.
        """
        found: dict[str, AppRoute | Peer | ModelError] = {}
        for kv in listings[keys.ROUTES].items:
            app = keys.tail(kv.key, keys.ROUTES)
            if anew or self._routes.get(app) != kv.mod_revision:
                found[kv.key] = _caught(model.read_route, app, kv.value)
        for kv in listings[keys.SERVICES].items:
            app, _, container = keys.tail(kv.key, keys.SERVICES).partition("/")
            known = self.table.peer(app, container)
            if anew or known is None or known.revision != kv.mod_revision:
                found[kv.key] = _caught(model.read_peer, kv.value, kv.mod_revision)
        return found

    def full(self, listings: Listings, digest: Digest, *, carry: bool) -> None:
        """Take in everything, read before; see `Table.set_peers` for `carry`."""
        self._digest = digest
        self._problems = {}
        self._full_hosts(listings[keys.HOSTS].items)
        self._full_routes(listings[keys.ROUTES].items)
        self._full_peers(listings[keys.SERVICES], carry)
        self._full_controllers(listings[CONTROLLER].items, carry)
        self._names = {
            kv.key: _text(kv)
            for kv in (*listings[CONTROLLER].items, *listings[PLATFORM].items)
            if kv.key in (SUBDOMAIN, DOMAIN)
        }
        self._texts = {keys.tail(kv.key, SETTINGS): _text(kv) for kv in listings[SETTINGS].items}
        self._read_settings()
        self._digest = {}

    def put(self, kv: KeyValue) -> None:
        """One key has a new value."""
        if kv.key == keys.AWAIT:
            self.awaited = kv.mod_revision
        elif kv.key.startswith(keys.ROUTES):
            if kv.mod_revision >= self._routes.get(keys.tail(kv.key, keys.ROUTES), 0):
                self._route(kv)
        elif kv.key.startswith(keys.SERVICES):
            self._peer(kv)
        elif kv.key.startswith(keys.HOSTS):
            self._host(kv)
        elif kv.key.startswith(keys.CONTROLLER_HOSTS):
            self._controller(kv)
            self.table.set_controllers(self._controllers)
        elif kv.key in (SUBDOMAIN, DOMAIN):
            self._names[kv.key] = _text(kv)
            self._read_settings()
        elif kv.key.startswith(SETTINGS):
            self._texts[keys.tail(kv.key, SETTINGS)] = _text(kv)
            self._read_settings()

    def delete(self, key: str, revision: int) -> None:
        """One key is gone."""
        if key.startswith(keys.ROUTES):
            self._drop_route(keys.tail(key, keys.ROUTES))
        elif key.startswith(keys.SERVICES):
            self._drop_peer(key, revision)
        elif key.startswith(keys.HOSTS):
            self.table.set_host(keys.tail(key, keys.HOSTS), None)
        elif key.startswith(keys.CONTROLLER_HOSTS):
            self._controllers.pop(key, None)
            self.table.set_controllers(self._controllers)
        elif key in self._names:
            del self._names[key]
            self._read_settings()
        elif key.startswith(SETTINGS):
            self._texts.pop(keys.tail(key, SETTINGS), None)
            self._read_settings()

    def endpoints(self, app: str, listing: Listing) -> None:
        """All endpoints of an app, read at once."""
        self._peers_of(app, listing.items, listing.revision, carry=False)

    def _full_hosts(self, items: Iterable[KeyValue]) -> None:
        gone = set(self.table.live_hosts)
        for kv in items:
            gone.discard(keys.tail(kv.key, keys.HOSTS))
            self._host(kv)
        for name in gone:
            self.table.set_host(name, None)

    def _full_routes(self, items: Iterable[KeyValue]) -> None:
        gone = set(self.table.apps)
        # The oldest app first: where two name one domain, it has it (domains.py).
        for kv in sorted(items, key=lambda kv: kv.create_revision):
            app = keys.tail(kv.key, keys.ROUTES)
            gone.discard(app)
            if kv.key in self._digest:
                self._route(kv)
        for app in gone:
            self._drop_route(app)

    def _full_peers(self, listing: Listing, carry: bool) -> None:
        found: dict[str, list[KeyValue]] = {app: [] for app in self.table.apps}
        for kv in listing.items:
            app = kv.key[len(keys.SERVICES) :].partition("/")[0]
            found.setdefault(app, []).append(kv)
        for app, items in found.items():
            self._peers_of(app, items, listing.revision, carry=carry)

    def _full_controllers(self, items: Iterable[KeyValue], carry: bool) -> None:
        self._controllers = {}
        for kv in items:
            if kv.key.startswith(keys.CONTROLLER_HOSTS):
                self._controller(kv)
        self.table.set_controllers(self._controllers, carry=carry)

    def _route(self, kv: KeyValue) -> None:
        name = keys.tail(kv.key, keys.ROUTES)
        try:
            app = model.app_of_route(kv.key)
        except ModelError as err:
            self._problems[ascii(name[:64])] = str(err)
            return
        self._routes[app] = kv.mod_revision
        route = self._digest.get(kv.key) or _caught(model.read_route, app, kv.value)
        if isinstance(route, AppRoute):
            self.table.set_route(app, route)
        else:
            self.table.set_route(app, None, shortened([str(route)]))

    def _drop_route(self, name: str) -> None:
        self._routes.pop(name, None)
        self._problems.pop(ascii(name[:64]), None)
        if name in self.table.apps:
            self.table.set_route(name, None)

    def _peer(self, kv: KeyValue) -> None:
        try:
            app, container = model.app_of_service(kv.key)
        except ModelError:
            return
        peer, problem = self._read_peer(app, container, kv)
        self.table.set_peer(app, container, peer, kv.mod_revision, problem)

    def _drop_peer(self, key: str, revision: int) -> None:
        try:
            app, container = model.app_of_service(key)
        except ModelError:
            return
        self.table.set_peer(app, container, None, revision)

    def _peers_of(self, app: str, items: Iterable[KeyValue], revision: int, *, carry: bool) -> None:
        peers, bad = {}, {}
        for kv in items:
            try:
                _, container = model.app_of_service(kv.key)
            except ModelError:
                continue
            peer, problem = self._read_peer(app, container, kv)
            if peer is not None:
                peers[container] = peer
            else:
                bad[container] = problem
        if peers or bad or app in self.table.apps:
            self.table.set_peers(app, peers, revision, bad=bad, carry=carry)

    def _read_peer(self, app: str, container: str, kv: KeyValue) -> tuple[Peer | None, str]:
        peer = self._digest.get(kv.key)
        known = self.table.peer(app, container)
        if peer is None and known is not None and known.revision == kv.mod_revision:
            return known, ""
        peer = peer or _caught(model.read_peer, kv.value, kv.mod_revision)
        if isinstance(peer, Peer):
            return peer, ""
        return None, shortened([str(peer)])

    def _host(self, kv: KeyValue) -> None:
        name = keys.tail(kv.key, keys.HOSTS)
        label = f"host {name[:64]!a}"
        try:
            self.table.set_host(name, model.read_host(kv.value))
            self._problems.pop(label, None)
        except ModelError as err:
            self._problems[label] = shortened([str(err)])

    def _controller(self, kv: KeyValue) -> None:
        try:
            self._controllers[kv.key] = model.read_controller(kv.value, kv.mod_revision)
        except ModelError as err:
            self._controllers.pop(kv.key, None)
            self._problems["controller"] = shortened([str(err)])

    def _read_settings(self) -> None:
        """Take the settings over if all of them are right; else the last right ones stay."""
        settings, problems = platform.read(self._texts)
        try:
            label = values.label(self._names.get(SUBDOMAIN, self._default_controller))
        except ValueError as err:
            problems["controller/subdomain"] = str(err)
            label = self.table.policy.controller
        self._settings_problem = shortened(f"{name} {why}" for name, why in problems.items())
        if not problems:
            self.settings, self.good_settings = settings, dict(self._texts)
        policy = Policy(
            controller=label,
            controller_guests=self.settings.controller_whitelist,
            whitelist_enforced=self.settings.enforce_whitelist,
            domain=self._names.get(DOMAIN, self._default_domain).strip().strip(".").lower(),
        )
        self.table.set_policy(policy)


def _caught(read: Callable[..., _T], *arguments: Any) -> _T | ModelError:
    try:
        return read(*arguments)
    except ModelError as err:
        return err


def _text(kv: KeyValue) -> str:
    """A setting's text; what is no UTF-8 becomes signs that no setting allows."""
    return kv.value.decode(errors="replace")

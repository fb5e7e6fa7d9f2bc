"""The same schedule in virtual time: the planner and everybody around it, in no time at all.

Store, agents and routers are the model of tests/cluster_model.py. Who moves when is fixed by the
seed, so a run is the same to the last write however often it is repeated.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

from deis_control.db.desired import Desired
from deis_control.scheduler.changes import Change
from deis_control.scheduler.plan import End
from deis_control.scheduler.rebalance import plan_rebalance
from deis_control.scheduler.running import running_copies
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, Put
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import HostConf, Move, Placement, PlacementState, Router
from tests.chaos.asked import App, Ask, ask_of, running
from tests.chaos.schedule import SIDE, STEADY, Round, Step, rounds
from tests.cluster_model import TTL, ModelCluster
from tests.leader_model import Leader, served

HOSTS = ("host-1", "host-2", "host-3")
ROUTERS = {"host-1": "router-1", "host-2": "router-2"}
TICK = 0.5
"""Seconds after which everybody has moved once."""
PAUSE = 5.0
"""The same while nothing happens."""
TAKEOVER = 5.0
"""Seconds without a leader after one was killed: its lease, and the election."""
RESTART = 2.0
"""Seconds for which a part that was killed is away."""
LONGEST = 900.0
"""Seconds after a round until all is at rest."""
SINGLE = "worker"


class Play:
    """A run of the model."""

    def __init__(self, seed: int) -> None:
        self.lines: list[str] = []
        self.cluster = ModelCluster(len(ROUTERS), len(HOSTS))
        self.cluster.single = frozenset({SINGLE})
        self.cluster.observe = self._observe
        self.apps: dict[str, App] = {}
        self._seed = seed
        self._rng = Random(f"{seed} play")
        self._roles: dict[str, str] = {}
        self._numbers = Counter[str]()
        self._leads = 0
        self._leaderless = self._storeless = self._databaseless = 0.0
        self._hurt: dict[str, float] = {}
        """Hosts that nobody hears of, and since when."""
        self._silent: dict[str, float] = {}
        """Parts that are away, and until when."""
        self._create(STEADY, {"web": 4})
        self._create(SIDE, {"web": 1})

    @property
    def digest(self) -> str:
        """Of everything that happened."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()

    def run(self, count: int, length: float) -> None:
        """So many rounds; AssertionError when something does not hold."""
        self._come_to_rest()
        for item in islice(rounds(self._seed, HOSTS, length), count):
            self.round(item)

    def round(self, item: Round) -> None:
        """One round, and its end."""
        self._say(f"round {item.number}")
        began, steps = self.cluster.now, deque(item.steps)
        while steps:
            while steps and began + steps[0].at <= self.cluster.now:
                self._do(steps.popleft())
            self._tick()
        self._come_to_rest()
        self._say("quiet")

    # Who moves

    def _tick(self, seconds: float = TICK) -> None:
        """Everybody moves once, in some order, and time goes on."""
        now, cluster = self.cluster.now, self.cluster
        if now >= self._storeless:
            moves: list[Callable[[], None]] = []
            if now >= self._leaderless:
                moves += [lambda app=app: self._look(app) for app in self.apps.values()]  # type: ignore[misc]
            moves += [lambda item=item: self._agent(*item) for item in cluster.copies()]  # type: ignore[misc]
            moves += [lambda host=host: self._router(host) for host in ROUTERS]  # type: ignore[misc]
            self._rng.shuffle(moves)
            for move in moves:
                move()
                self._never_two()
        self._leases()
        cluster.pass_time(seconds)
        self._never_two()

    def _look(self, app: App) -> None:
        """The leader looks at an app; operations need PostgreSQL."""
        leader = app.leader
        if self.cluster.now < self._databaseless and (leader.plan or app.asked):
            return
        if app.gone:
            self.cluster.look(None, leader.timers, leader.app)
            return
        if leader.plan is None and app.asked:
            self._begin(app, app.asked.popleft())
        operation = leader.plan
        decision = leader.look()
        if operation is not None and decision.end is not None:
            self._say(f"{leader.app}: {decision.end} {decision.sentence}")
            if decision.end is End.DONE and app.going is not None:
                app.formation = app.going
            app.going = None

    def _begin(self, app: App, ask: Ask) -> None:
        app.going = ask.formation(app.formation)
        counts = running(app.going)
        leader = app.leader
        if ask.kind == "scale" and counts == app.running:
            app.formation, app.going = app.going, None
            return
        self._numbers[leader.app] += ask.kind == "release"
        leader.start(ask.kind, counts, self._numbers[leader.app])
        if not ask.good:
            self.cluster.bad.add((leader.app, self._numbers[leader.app], "web"))
        self._say(f"{leader.app}: {ask.kind} {counts}")

    def _agent(self, host: str, copy: CopyName) -> None:
        if self._hears(host) and self.cluster.now >= self._silent.get(f"agent@{host}", 0):
            self.cluster.agent(host, copy)

    def _router(self, host: str) -> None:
        if self._hears(host) and self.cluster.now >= self._silent.get(f"nginx@{host}", 0):
            self.cluster.router(ROUTERS[host], busy=self._rng.random() < 0.2)
            self.cluster.follow(ROUTERS[host])

    def _hears(self, host: str) -> bool:
        return host not in self._hurt

    def _leases(self) -> None:
        """The lease of a host that nobody hears of ends, and with it what its router has said."""
        for host, since in self._hurt.items():
            if host not in self.cluster.away and self.cluster.now >= since + TTL:
                self._say(f"{host} is lost")
                self.cluster.lose(host, power=False)
                if host in ROUTERS:
                    self.cluster.store.txn(Change((), (Delete(keys.router(ROUTERS[host])),)))

    # What is done

    def _do(self, step: Step) -> None:
        self._say(f"{step.what} {step.on} {dict(step.words)}")
        done = getattr(self, f"_{step.what}", None)
        if done is not None:
            done(step)
            return
        app = self.apps.get(self._roles.get(step.on, ""))
        if app is None or app.gone:
            return
        app.asked.append(ask_of(step))

    def _made(self, role: str) -> str:
        self._numbers["apps"] += 1
        return f"{role}-{self._numbers['apps']}"

    def _create(self, on: Step | str, counts: Mapping[str, int] | None = None) -> None:
        role = on if isinstance(on, str) else on.on
        name = self._roles[role] = self._made(role)
        app = App(Leader(self.cluster, {}, release=0, app=name))
        formation = (dict(counts or {"web": 1}), frozenset[str]())
        app.asked.append(Ask("release", lambda _: formation))
        self.apps[name] = app

    def _destroy(self, step: Step) -> None:
        app = self.apps[self._roles.pop(step.on)]
        app.gone, app.leader.plan = True, None
        app.asked.clear()
        app.leader.timers.clear()

    def _rebalance(self, step: Step) -> None:
        index = self.cluster.index
        wanted = {
            name: Desired(UUID(int=0), name, app.running, app.gone, app.leader.release, True, ())
            for name, app in self.apps.items()
        }
        placed = [item for found in index.apps.values() for item in found.placed.values()]
        moves = {item.copy: seen.move for _, item, seen in self._wishes()}
        found = plan_rebalance(index.loads(), running_copies(placed, wanted, moves))
        for shift in found.shifts:
            wish = Move("2026-01-01T00:00:00UTC", shift.to)
            self.cluster.store.put(keys.move(shift.copy.app, shift.copy.container), wish)

    def _wishes(self) -> Iterator[tuple[str, Any, Any]]:
        for name, found in self.cluster.index.apps.items():
            for container, seen in found.moves.items():
                if container in found.placed:
                    yield name, found.placed[container], seen

    def _cordon(self, step: Step) -> None:
        self.cluster.store.put(keys.hostconf(step.on), HostConf(cordoned=True))

    def _drain(self, step: Step) -> None:
        self.cluster.store.put(keys.hostconf(step.on), HostConf(draining=True))

    def _uncordon(self, step: Step) -> None:
        self.cluster.store.txn(Change((), (Delete(keys.hostconf(step.on)),)))

    _undrain = _uncordon

    def _kill(self, step: Step) -> None:
        program, _, host = step.on.partition("@")
        until = self.cluster.now + RESTART
        if program == "deis-control" and host == HOSTS[self._leads]:
            self._leads = (self._leads + 1) % len(HOSTS)
            self._leaderless = self.cluster.now + TAKEOVER
            self.cluster.elect()
            for app in self.apps.values():
                app.leader.timers.clear()
        elif program in ("deis-node", "docker", "containerd"):
            self._silent[f"agent@{host}"] = until
        elif program == "nginx":
            self._silent[f"nginx@{host}"] = until
        elif program == "postgres":
            self._databaseless = until
        elif program == "etcd":
            killed = self._silent.get("etcd", 0) == until
            self._silent["etcd"] = until
            self._storeless = until if killed else self._storeless

    def _off(self, step: Step) -> None:
        self._hurt[step.on] = self.cluster.now
        self.cluster.running = {item for item in self.cluster.running if item[0] != step.on}

    def _freeze(self, step: Step) -> None:
        self._hurt[step.on] = self.cluster.now

    _cut = _freeze

    def _lose(self, step: Step) -> None:
        """Its agent and its router find another member of etcd, and are slow meanwhile."""
        self._silent[f"agent@{step.on}"] = self._silent[f"nginx@{step.on}"] = (
            self.cluster.now + RESTART
        )

    def _lossy(self, step: Step) -> None:
        """Nothing of it is left above TCP."""

    _mend = _lossy

    def _on(self, step: Step) -> None:
        self._back(step.on)
        if step.on in ROUTERS:
            # Another boot: nginx starts with an empty table.
            router = self.cluster.routers[ROUTERS[step.on]]
            router.endpoints, router.releases, router.busy = {}, frozenset(), set()

    def _thaw(self, step: Step) -> None:
        self._back(step.on)

    _join = _thaw

    def _back(self, host: str) -> None:
        del self._hurt[host]
        if host in self.cluster.away:
            self.cluster.come_back(host)
        if host in ROUTERS:
            self.cluster.routers[ROUTERS[host]].served = 0
            self.cluster.store.put(keys.router(ROUTERS[host]), Router("one"))

    # What must hold

    def _come_to_rest(self) -> None:
        """Until nothing changes any more, and all is as it must be; AssertionError."""
        deadline, quiet = self.cluster.now + LONGEST, 0.0
        while quiet < 2 * TTL or self._broken():
            before, seconds = self.cluster.store.revision, PAUSE if quiet else TICK
            self._tick(seconds)
            quiet = quiet + seconds if self.cluster.store.revision == before else 0.0
            assert self.cluster.now < deadline, f"never at rest: {self._broken()}"

    def _broken(self) -> list[str]:
        """What must hold at rest and does not."""
        found = [f"{name}: an operation" for name, app in self.apps.items() if app.asked]
        placed = [(host, copy, self._placement(host, copy)) for host, copy in self.cluster.copies()]
        for name, app in self.apps.items():
            mine = [item for item in placed if item[1].app == name]
            counts = Counter(copy.type for _, copy, _ in mine)
            wanted = {} if app.gone else app.running
            if dict(counts) != wanted or app.leader.plan is not None:
                found.append(f"{name}: {dict(counts)} of {wanted}, {app.leader.plan}")
            web = wanted.get("web", 0)
            if served(self.cluster, app=name) != web:
                found.append(f"{name}: {served(self.cluster, app=name)} of {web} serve")
        for host, copy, placement in placed:
            runs = (host, copy) in self.cluster.running
            if placement.state is not PlacementState.RUN or not runs:
                found.append(f"{host}: {copy.container} in {placement.state}")
        strays = self.cluster.running - {(host, copy) for host, copy, _ in placed}
        found += [f"{host}: {copy.container} is not placed" for host, copy in sorted(strays)]
        return found + list(self._keys(placed))

    def _keys(self, placed: list[tuple[str, CopyName, Placement]]) -> Iterator[str]:
        """Nothing is left of what is gone, and routers know what there is."""
        owned = {keys.instance(host, copy.container) for host, copy, _ in placed}
        for key in self.cluster.store.items:
            of_nobody = key.startswith(keys.INSTANCES) and key not in owned
            of_gone = key.startswith(keys.ROUTES) and self.apps[keys.tail(key, keys.ROUTES)].gone
            if key.startswith(keys.MOVES) or of_nobody or of_gone:
                yield key
        there = {keys.service(c.app, c.container) for _, c, _ in placed if c.routable}
        for name in self.cluster.routers:
            if self.cluster.serving(name) != there:
                yield f"{name} serves {sorted(self.cluster.serving(name) ^ there)} otherwise"

    def _placement(self, host: str, copy: CopyName) -> Placement:
        found = self.cluster.store.placement(host, copy)
        assert found is not None
        return found

    def _never_two(self) -> None:
        """Of a single type never two of one number run, whatever the store says."""
        found = Counter((c.app, c.type, c.num) for _, c in self.cluster.running if c.type == SINGLE)
        assert set(found.values()) <= {1}, f"two of {found}"

    def _observe(self, change: Change) -> None:
        """Each write of the leader, before it happens: somebody serves the app under traffic."""
        self._say(f"write {[(type(op).__name__, self._told(op)) for op in change.ops]}")
        app = self._roles.get(STEADY, "")
        before = served(self.cluster, self._hurt, app)
        trial = ModelCluster(0, 0)
        trial.store.items = dict(self.cluster.store.items)
        trial.store.revision = self.cluster.store.revision
        if trial.store.txn(change) and before:
            assert served(trial, self._hurt, app) > 0, f"unserved after {change}"

    def _told(self, op: object) -> str:
        if isinstance(op, Put):
            return f"{op.key} {hashlib.sha256(op.value).hexdigest()[:8]}"
        return str(op)

    def _say(self, text: str) -> None:
        self.lines.append(f"{self.cluster.now:.1f} {text}")

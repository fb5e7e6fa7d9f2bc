"""Any interleaving of leader, agents and routers ends well, and never leaves an app unserved.

The cluster is the model of tests/cluster_model.py, in virtual time.
"""

from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from deis_control.scheduler.changes import Change
from deis_control.scheduler.formation import (
    Plan,
    for_release,
    for_restart,
    for_scale,
    settled_copies,
)
from deis_control.scheduler.plan import Decision, End
from deis_control.scheduler.world import Placed, Target, Workers
from deis_node.cluster import keys
from deis_node.cluster.etcd import Put
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Endpoint, Placement, PlacementState, Route
from tests.cluster_model import ModelCluster
from tests.worlds import make_address

COUNTS = st.fixed_dictionaries({"web": st.integers(0, 3), "worker": st.integers(0, 2)})
KINDS = st.sampled_from(["release", "scale", "restart"])


@dataclass
class Leader:
    """A leader of one app in the model, that remembers only what a leader does."""

    cluster: ModelCluster
    structure: dict[str, int]
    release: int = 1
    plan: Plan | None = None
    timers: dict[str, float] = field(default_factory=dict)
    batches: int = 1
    workers: Workers = Workers.WITH

    def placed(self) -> list[Placed]:
        return list(self.cluster.world(None, {}).placed.values())

    def target(self) -> Target:
        """The operation's target, or at rest the live release's."""
        if self.plan is None:
            copies = settled_copies("hello", self.release, self.structure, self.placed())
            return Target(copies, _route(self.release))
        plan = self.plan
        return Target(
            plan.copies,
            _route(plan.release),
            fresh=plan.fresh,
            old=plan.old,
            new_release=plan.new_release,
            batches=self.batches,
            workers=self.workers,
        )

    def look(self) -> Decision:
        """One look; an operation's end is noted as the database would."""
        decision = self.cluster.look(self.target(), self.timers)
        if decision.end is None or self.plan is None:
            return decision
        if decision.end is End.DONE:
            self.release, self.structure = self.plan.release, dict(self.plan.structure)
        self.plan = None
        return decision

    def start(self, kind: str, counts: dict[str, int]) -> None:
        """Place an operation."""
        placed = self.placed()
        taken = [item.copy for item in placed]
        if kind == "release":
            self.plan = for_release("hello", self.release + 1, counts, taken)
        elif kind == "scale":
            before = self.structure
            self.plan = for_scale("hello", self.release, counts, before=before, placed=placed)
        else:
            self.plan = for_restart("hello", self.release, self.structure, placed=placed)


def _route(release: int) -> Route:
    return Route("hello", releases={str(release): 1})


def _served(cluster: ModelCluster) -> int:
    """How many published endpoints belong to a release of the route."""
    kv = cluster.store.items.get(keys.route("hello"))
    if kv is None:
        return 0
    named = Route.from_bytes(kv.value).releases
    names = {release for release, weight in named.items() if weight}
    found = [key for key in cluster.store.items if key.startswith(keys.SERVICES)]
    endpoints = [Endpoint.from_bytes(cluster.store.items[key].value) for key in found]
    return sum(str(endpoint.release) in names for endpoint in endpoints)


def _rest(leader: Leader) -> None:
    """Everybody moves in turn until nothing changes any more."""
    cluster = leader.cluster
    for _ in range(400):
        before = cluster.store.revision
        at_rest = leader.plan is None
        decision = leader.look()
        for host, copy in cluster.copies():
            cluster.agent(host, copy)
        for name in cluster.routers:
            cluster.router(name)
        quiet = cluster.store.revision == before
        if quiet and at_rest and not decision.steps:
            return
        if quiet:
            cluster.now += 5
    raise AssertionError(f"never at rest: {decision}")


def _steady(routers: int, counts: dict[str, int]) -> Leader:
    """A cluster with release 1 live at these counts."""
    leader = Leader(ModelCluster(routers), {}, release=0)
    leader.start("release", counts)
    _rest(leader)
    assert leader.release == 1
    return leader


def _divide(rng: Random, leader: Leader) -> None:
    """Have the change carried out in some number of batches, workers when they like."""
    leader.batches = rng.choice([1, 1, 2, 3, 5])
    leader.workers = rng.choice(list(Workers))


def _move(rng: Random, leader: Leader, *, patient: bool) -> None:
    """Somebody moves: the leader, an agent, a router, or time."""
    cluster = leader.cluster
    who = rng.choice(["leader", "leader", "agent", "agent", "agent", "router", "time"])
    copies = cluster.copies()
    if who == "leader":
        leader.look()
    elif who == "agent" and copies:
        cluster.agent(*rng.choice(copies))
    elif who == "router" and cluster.routers:
        cluster.router(rng.choice(sorted(cluster.routers)), busy=rng.random() < 0.5)
    elif who == "time":
        cluster.now += rng.choice([0.01, 0.1] if patient else [0.1, 1.0, 11.0])


def _guard(leader: Leader, *, strict: bool) -> None:
    """Look at each write of the leader before it happens: somebody must be left to serve."""
    cluster = leader.cluster

    def check(change: Change) -> None:
        before = _served(cluster)
        wants_web = any(copy.routable for copy in leader.target().copies)
        trial = ModelCluster(0, 0)
        trial.store.items = dict(cluster.store.items)
        trial.store.revision = cluster.store.revision
        if trial.store.txn(change) and before and wants_web:
            assert _served(trial) > 0, f"unserved after {change}"
            if strict:
                _check_routers(cluster, set(trial.store.items))
        for op in change.ops:
            if strict and isinstance(op, Put) and op.key.startswith(keys.PLACEMENTS):
                _check_stop(cluster, Placement.from_bytes(op.value))
            if isinstance(op, Put) and op.key.startswith(keys.PLACEMENTS):
                _check_old(leader, Placement.from_bytes(op.value))

    cluster.observe = check


def _check_old(leader: Leader, wanted: Placement) -> None:
    """Of the live release nothing is touched before all traffic goes to the next one."""
    plan = leader.plan
    if plan is None or not plan.new_release or wanted.release != leader.release:
        return
    kv = leader.cluster.store.items.get(keys.route("hello"))
    named = {} if kv is None else Route.from_bytes(kv.value).releases
    going = wanted.state is not PlacementState.RUN
    assert not going or named == _route(plan.release).releases, f"{named} is not yet done"


def _check_routers(cluster: ModelCluster, left: set[str]) -> None:
    """While nobody is late, each router has somebody to send a request to."""
    for name in cluster.routers:
        serving = cluster.serving(name)
        assert not serving or serving & left, f"{name} is left with {serving}"


def _check_stop(cluster: ModelCluster, wanted: Placement) -> None:
    """While nobody is late, a copy ends only when no router has it: no endpoint, no request."""
    if wanted.state is not PlacementState.STOP:
        return
    key = keys.service("hello", wanted.copy.container)
    assert key not in cluster.store.items
    for router in cluster.routers.values():
        assert key not in router.endpoints, f"{router.name} still serves {key}"
        assert make_address(wanted.copy) not in router.busy, f"{router.name} still waits for {key}"


def _check_at_rest(leader: Leader) -> None:
    """Running is exactly what is wanted, and nothing else is left."""
    wanted = settled_copies("hello", leader.release, leader.structure, leader.placed())
    assert {copy for _, copy in leader.cluster.copies()} == set(wanted)
    counts = {kind: count for kind, count in leader.structure.items() if count}
    found: dict[str, int] = {}
    for copy in wanted:
        found[copy.type] = found.get(copy.type, 0) + 1
    assert found == counts
    route = leader.cluster.store.items[keys.route("hello")]
    assert Route.from_bytes(route.value) == _route(leader.release)


@settings(max_examples=150, deadline=None)
@given(st.integers(), COUNTS, KINDS, COUNTS, st.integers(0, 2), st.booleans(), st.booleans())
def test_every_change_ends_with_what_is_wanted_and_never_leaves_the_app_unserved(
    seed: int,
    before: dict[str, int],
    kind: str,
    after: dict[str, int],
    routers: int,
    breaks: bool,
    patient: bool,
) -> None:
    rng = Random(seed)
    leader = _steady(routers, before)
    _divide(rng, leader)
    _guard(leader, strict=patient)
    leader.start(kind, after)
    assert leader.plan is not None
    failed = (leader.release, leader.structure)
    done = (leader.plan.release, dict(leader.plan.structure))
    if breaks and leader.plan.fresh:
        leader.cluster.broken = {rng.choice(sorted(leader.plan.fresh))}
    for _ in range(rng.randrange(150)):
        _move(rng, leader, patient=patient)
    _rest(leader)
    found = (leader.release, leader.structure)
    assert found in (done, failed)
    if leader.cluster.broken:
        assert found == failed
    elif patient:
        assert found == done
    _check_at_rest(leader)


@settings(max_examples=100, deadline=None)
@given(st.integers(), COUNTS, COUNTS, st.integers(0, 2), st.booleans())
def test_a_release_that_is_given_up_half_way_is_undone(
    seed: int, before: dict[str, int], after: dict[str, int], routers: int, patient: bool
) -> None:
    """As when the store refuses new copies, or the database was told by another way."""
    rng = Random(seed)
    leader = _steady(routers, before)
    _divide(rng, leader)
    _guard(leader, strict=patient)
    leader.start("release", after)
    steps = rng.randrange(100)
    while steps and leader.plan is not None:
        _move(rng, leader, patient=patient)
        kv = leader.cluster.store.items[keys.route("hello")]
        if Route.from_bytes(kv.value) == _route(2):
            return
        steps -= 1
    leader.plan = None
    _rest(leader)
    assert (leader.release, leader.structure) == (1, before)
    _check_at_rest(leader)


@settings(max_examples=60, deadline=None)
@given(st.integers(), KINDS)
def test_a_new_leader_goes_on_from_what_it_observes(seed: int, kind: str) -> None:
    rng = Random(seed)
    leader = _steady(1, {"web": 2})
    _divide(rng, leader)
    _guard(leader, strict=True)
    leader.start(kind, {"web": 3})
    for _ in range(rng.randrange(100)):
        _move(rng, leader, patient=True)
        leader.timers.clear()
    _rest(leader)
    _check_at_rest(leader)
    assert len(leader.target().copies) == (2 if kind == "restart" else 3)


@settings(max_examples=60, deadline=None)
@given(st.integers(), COUNTS)
def test_serving_copies_may_crash_at_any_time(seed: int, after: dict[str, int]) -> None:
    rng = Random(seed)
    leader = _steady(1, {"web": 2})
    _divide(rng, leader)
    leader.start("release", after)
    for _ in range(rng.randrange(100)):
        _move(rng, leader, patient=False)
        copies = leader.cluster.copies()
        if copies and rng.random() < 0.1:
            leader.cluster.crash(*rng.choice(copies))
    _rest(leader)
    _check_at_rest(leader)


def test_the_same_copy_name_is_never_given_to_two_live_ones() -> None:
    leader = _steady(1, {"web": 1})
    seen: set[CopyName] = set()
    for _ in range(3):
        leader.start("restart", {})
        assert leader.plan is not None
        assert not leader.plan.fresh & seen
        seen |= leader.plan.fresh
        _rest(leader)

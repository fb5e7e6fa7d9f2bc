"""A leader of one app in the model of tests/cluster_model.py, and how everybody comes to rest."""

from collections.abc import Collection
from dataclasses import dataclass, field

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
from deis_node.cluster.records import Endpoint, Route
from tests.cluster_model import ModelCluster


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
    app: str = "hello"

    def placed(self) -> list[Placed]:
        return list(self.cluster.world(None, {}, self.app).placed.values())

    def target(self) -> Target:
        """The operation's target, or at rest the live release's."""
        if self.plan is None:
            copies = settled_copies(self.app, self.release, self.structure, self.placed())
            return Target(copies, route_of(self.release, self.app), single=self.cluster.single)
        plan = self.plan
        return Target(
            plan.copies,
            route_of(plan.release, self.app),
            fresh=plan.fresh,
            old=plan.old,
            new_release=plan.new_release,
            single=self.cluster.single,
            batches=self.batches,
            workers=self.workers,
        )

    def look(self) -> Decision:
        """One look; an operation's end is noted as the database would."""
        decision = self.cluster.look(self.target(), self.timers, self.app)
        if decision.end is None or self.plan is None:
            return decision
        if decision.end is End.DONE:
            self.release, self.structure = self.plan.release, dict(self.plan.structure)
        self.plan = None
        return decision

    def start(self, kind: str, counts: dict[str, int], release: int = 0) -> None:
        """Place an operation; a release has the next number, or this one."""
        placed = self.placed()
        taken = [item.copy for item in placed]
        if kind == "release":
            self.plan = for_release(self.app, release or self.release + 1, counts, taken)
        elif kind == "scale":
            before = self.structure
            self.plan = for_scale(self.app, self.release, counts, before=before, placed=placed)
        else:
            self.plan = for_restart(self.app, self.release, self.structure, placed=placed)


def route_of(release: int, app: str = "hello") -> Route:
    return Route(app, releases={str(release): 1})


def served(cluster: ModelCluster, without: Collection[str] = (), app: str = "hello") -> int:
    """How many published endpoints an app's route names, without those of some hosts."""
    kv = cluster.store.items.get(keys.route(app))
    if kv is None:
        return 0
    named = Route.from_bytes(kv.value).releases
    names = {release for release, weight in named.items() if weight}
    found = [key for key in cluster.store.items if key.startswith(keys.services_of(app))]
    endpoints = [Endpoint.from_bytes(cluster.store.items[key].value) for key in found]
    there = [endpoint for endpoint in endpoints if endpoint.host not in without]
    return sum(str(endpoint.release) in names for endpoint in there)


def come_to_rest(leader: Leader) -> None:
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
        if quiet and at_rest and not decision.steps and decision.wake is None:
            return
        if quiet:
            cluster.pass_time(5)
    raise AssertionError(f"never at rest: {decision}")


def make_steady(routers: int, counts: dict[str, int], hosts: int = 2, single: str = "") -> Leader:
    """A cluster with release 1 live at these counts; `single` names a process type."""
    leader = Leader(ModelCluster(routers, hosts), {}, release=0)
    leader.cluster.single = frozenset(filter(None, [single]))
    leader.start("release", counts)
    come_to_rest(leader)
    assert leader.release == 1
    return leader

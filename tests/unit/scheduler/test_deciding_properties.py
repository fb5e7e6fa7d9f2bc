"""What a dry run foresees is what the change then does, whatever came before it.

The change is carried out by the real planner on the model of tests/cluster_model.py.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from deis_control.deltas import (
    BuildDelta,
    ConfigDelta,
    Delta,
    RestartDelta,
    RollbackDelta,
    ScaleDelta,
    StartDelta,
    StopDelta,
)
from deis_control.model import Target as Live
from deis_control.scheduler.deciding import Decided, Facts, decide, difference_of
from deis_control.scheduler.formation import Difference, settled_copies
from deis_control.scheduler.plan import End
from deis_control.scheduler.world import Placed, Target
from deis_node.cluster.names import CopyName
from tests.cluster_model import ModelCluster
from tests.worlds import make_build, make_live

BUILD = make_build({"web": "serve", "worker": "work"}, sha="1234567", dockerfile="true")
OTHER = make_build({"worker": "work"}, sha="7654321", dockerfile="true")
KIND = st.sampled_from(["web", "worker", None])
COUNTS = st.dictionaries(st.sampled_from(["web", "worker"]), st.integers(0, 3), max_size=2)
DELTAS = st.one_of(
    st.builds(ScaleDelta, COUNTS),
    st.builds(StopDelta, KIND),
    st.builds(StartDelta, KIND),
    st.builds(RestartDelta, KIND, st.sampled_from([None, 1, 2])),
    st.just(ConfigDelta({"A": "1"})),
    st.just(BuildDelta("build")),
    st.just(BuildDelta("other")),
    st.just(RollbackDelta(2)),
)


@dataclass
class Platform:
    """An app, and the model cluster that it runs on."""

    cluster: ModelCluster = field(default_factory=ModelCluster)
    live: Live = field(default_factory=lambda: make_live(version=1))

    def placed(self) -> list[Placed]:
        return list(self.cluster.world(None, {}).placed.values())

    def facts(self, delta: Delta) -> Facts:
        """As the placing reads them."""
        build = OTHER if delta == BuildDelta("other") else BUILD
        back = replace(make_live(version=2, build=BUILD), app=self.live.app)
        version = self.live.release.version
        return Facts(self.live, self.placed(), version, build, back)

    def running(self) -> set[CopyName]:
        return {copy for _, copy in self.cluster.copies()}

    def carry_out(self, decided: Decided) -> None:
        """The operation as `Rollout` does it, until it is done and all has settled."""
        plan, blueprint = decided.plan, decided.blueprint
        target = Target(
            plan.copies, blueprint.route((), drain=30), plan.fresh, plan.old, plan.new_release
        )
        self._settle(target)
        app = replace(self.live.app, structure=plan.structure, stopped=plan.stopped)
        release = replace(self.live.release, version=plan.release)
        self.live = Live(app, release, self.live.config, blueprint.build)

    def _settle(self, target: Target) -> None:
        timers: dict[str, float] = {}
        done = False
        for _ in range(400):
            before = self.cluster.store.revision
            decision = self.cluster.look(target, timers)
            done = done or decision.end is End.DONE
            for host, copy in self.cluster.copies():
                self.cluster.agent(host, copy)
            for name in self.cluster.routers:
                self.cluster.router(name)
            if self.cluster.store.revision == before:
                if done and not decision.steps:
                    return
                self.cluster.now += 5
        raise AssertionError(f"never at rest: {decision}")


def foreseen(platform: Platform, delta: Delta) -> tuple[Decided, Difference]:
    facts = platform.facts(delta)
    decided = decide(delta, facts, "ann")
    return decided, difference_of(decided, facts)


@settings(max_examples=80, deadline=None)
@given(st.lists(DELTAS, min_size=1, max_size=5))
def test_a_dry_run_names_exactly_the_copies_that_the_change_then_starts_and_stops(
    deltas: list[Delta],
) -> None:
    platform = Platform()
    platform.carry_out(decide(BuildDelta("build"), platform.facts(BuildDelta("build")), "ann"))
    for delta in deltas:
        _, difference = foreseen(platform, delta)
        before = platform.running()
        decided = decide(delta, platform.facts(delta), "ann")  # what the placing decides
        platform.carry_out(decided)
        after = platform.running()
        assert set(difference.start) == after - before == decided.plan.fresh
        assert set(difference.stop) == before - after
        assert set(difference.keep) == before & after


@settings(max_examples=80, deadline=None)
@given(st.lists(DELTAS, min_size=1, max_size=6))
def test_what_runs_is_always_the_formation_without_its_stopped_types(deltas: list[Delta]) -> None:
    platform = Platform()
    platform.carry_out(decide(BuildDelta("build"), platform.facts(BuildDelta("build")), "ann"))
    for delta in deltas:
        decided, _ = foreseen(platform, delta)
        platform.carry_out(decided)
        facts = platform.facts(delta)
        found = platform.running()
        version = platform.live.release.version
        assert found == settled_copies("hello", version, facts.running, platform.placed())
        assert Counter(copy.type for copy in found) == Counter(facts.running)
        assert all(platform.live.app.structure[kind] > 0 for kind in platform.live.app.stopped)

"""What a change comes to: which release, which copies. PURE.

The placing of an operation and a dry run ask the same question here; only the placing writes the
answer down.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from deis_control import rules
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
from deis_control.model import Build, ConfigData, Target
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.formation import (
    Difference,
    Plan,
    difference,
    for_release,
    for_restart,
    for_scale,
)
from deis_control.scheduler.world import Placed
from deis_node.runtime.errors import DeisError


class Refused(DeisError):
    """The change makes no sense any more; the sentence is the operation's reason."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a change is decided on."""

    latest: Target
    """The live release that it is merged onto."""
    placed: Collection[Placed] = ()
    """What the store holds of the app."""
    highest: int = 0
    """The highest number of a release that the database has."""
    build: Build | None = None
    """What a `BuildDelta` names."""
    back: Target | None = None
    """What a `RollbackDelta` goes back to."""

    @property
    def running(self) -> dict[str, int]:
        """The formation at rest, without stopped types."""
        app = self.latest.app
        return rules.running_structure(app.structure, app.stopped) if self.latest.build else {}

    @property
    def next_version(self) -> int:
        """The number of the next release.

        A store that is ahead of an old database has numbers that are taken all the same.
        """
        in_store = max((item.copy.release for item in self.placed), default=0)
        return rules.next_version(max(self.highest, in_store))


@dataclass(frozen=True, slots=True)
class Making:
    """A release that is to be made."""

    build: Build | None
    config: UUID | None
    """A config that exists; None for a new one of `data`."""
    data: ConfigData
    summary: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What a change comes to."""

    plan: Plan
    blueprint: Blueprint
    """Of the release that the plan is for."""
    making: Making | None = None
    """None for a change within the live release."""


def decide(delta: Delta, facts: Facts, actor: str) -> Decided:
    """What the change comes to; Refused or ControlError when it cannot be carried out."""
    if isinstance(delta, BuildDelta | ConfigDelta | RollbackDelta):
        return _new_release(_making(delta, facts, actor), facts)
    plan = _same_release(delta, facts)
    return Decided(plan, Blueprint.of(facts.latest))


def difference_of(decided: Decided, facts: Facts) -> Difference:
    """Which copies start, stop and stay, seen from the app at rest."""
    release = facts.latest.release
    return difference(decided.plan, release.app, release.version, facts.running, facts.placed)


def _same_release(delta: Delta, facts: Facts) -> Plan:
    app, release, running = facts.latest.app, facts.latest.release.version, facts.running
    if isinstance(delta, RestartDelta):
        plan = for_restart(
            app.id,
            release,
            running,
            placed=facts.placed,
            process_type=delta.type,
            num=delta.num,
        )
        return replace(plan, structure=app.structure, stopped=app.stopped)
    if facts.latest.build is None:
        raise Refused("No build associated with this release")
    structure, stopped = _steered(delta, facts)
    wanted = rules.running_structure(structure, stopped)
    plan = for_scale(app.id, release, wanted, before=running, placed=facts.placed)
    return replace(plan, structure=structure, stopped=stopped)


def _steered(delta: Delta, facts: Facts) -> tuple[dict[str, int], tuple[str, ...]]:
    """The formation and what is stopped of it after a scale, a stop or a start."""
    before, stopped = dict(facts.latest.app.structure), facts.latest.app.stopped
    if isinstance(delta, StopDelta):
        return before, rules.stopped_by(before, stopped, delta.type)
    if isinstance(delta, StartDelta):
        return before, rules.started_by(stopped, delta.type)
    assert isinstance(delta, ScaleDelta), "the end of an app is not decided here"
    after = rules.scaled_structure(before, delta.structure)
    return after, rules.stopped_after(stopped, before, after, scaled=delta.structure)


def _making(delta: BuildDelta | ConfigDelta | RollbackDelta, facts: Facts, actor: str) -> Making:
    """Merge the delta onto the latest live release; ControlError when that cannot be."""
    build, config = facts.latest.build, facts.latest.config
    if isinstance(delta, RollbackDelta):
        back = facts.back
        assert back is not None, "a rollback goes back to a release"
        text = rules.rollback_summary(actor, back.release.version)
        return Making(back.build, back.config.uuid, back.config.data, text)
    if isinstance(delta, BuildDelta):
        text = rules.release_summary(actor, config.data, config.data, build, facts.build)
        return Making(facts.build, config.uuid, config.data, text)
    data = rules.merge_config(config.data, delta)
    text = rules.release_summary(actor, config.data, data, build, build)
    return Making(build, None, data, text)


def _new_release(making: Making, facts: Facts) -> Decided:
    app, version = facts.latest.app, facts.next_version
    structure = rules.structure_after(app.structure, facts.latest.build, making.build)
    if making.build is None and sum(structure.values()) > 0:
        raise Refused("No build associated with this release to run")
    stopped = rules.stopped_after(app.stopped, app.structure, structure)
    running = rules.running_structure(structure, stopped)
    plan = for_release(app.id, version, running, [item.copy for item in facts.placed])
    blueprint = Blueprint(app.id, version, making.build, making.data)
    return Decided(replace(plan, structure=structure, stopped=stopped), blueprint, making)

"""`queued → placing`: one transaction that makes the release and fixes what is wanted.

So a release exists exactly once, in order of execution (architecture.md, the life of a change).
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

from deis_control import rules
from deis_control.db import apps, builds, configs, operations, releases
from deis_control.db.pool import Connection
from deis_control.deltas import (
    BuildDelta,
    ConfigDelta,
    Delta,
    DestroyDelta,
    RestartDelta,
    RollbackDelta,
    ScaleDelta,
)
from deis_control.errors import ControlError
from deis_control.model import Build, ConfigData, Operation, Target
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.formation import Plan, for_release, for_restart, for_scale
from deis_control.scheduler.world import Placed
from deis_node.cluster.seal import Ring
from deis_node.runtime.errors import DeisError


class Refused(DeisError):
    """The change makes no sense any more; the sentence is the operation's reason."""


@dataclass(frozen=True, slots=True)
class Placing:
    """What came of placing an operation."""

    plan: Plan | None
    """None for the end of an app."""
    blueprint: Blueprint | None = None
    """Of the release that the plan is for."""
    summary: str = ""
    """Of the release that was made, if one was."""


@dataclass(frozen=True, slots=True)
class _Making:
    """A release that is to be made."""

    build: Build | None
    config: UUID | None
    """A config that exists; None for a new one of `data`."""
    data: ConfigData
    summary: str


async def place(
    conn: Connection,
    ring: Ring,
    operation: Operation,
    *,
    epoch: int,
    placed: Collection[Placed],
) -> Placing:
    """Carry out the transaction's part; `placed` is what the store holds of the app.

    Refused, before anything is written, when the change cannot be carried out. Fenced.
    """
    await apps.lock(conn, operation.app)
    delta = await operations.delta_of(conn, ring, operation)
    if isinstance(delta, DestroyDelta):
        await operations.place(conn, operation, epoch=epoch, release=None, plan={})
        return Placing(None)
    latest = await releases.latest_target(conn, ring, operation.app)
    if isinstance(delta, ScaleDelta | RestartDelta):
        plan = _same_release(latest, delta, placed)
        await operations.place(conn, operation, epoch=epoch, release=None, plan=plan.to_plain())
        return Placing(plan, Blueprint.of(latest))
    try:
        making = await _making(conn, ring, operation, delta, latest)
    except ControlError as err:
        raise Refused(str(err)) from err
    return await _new_release(conn, ring, operation, making, latest, epoch=epoch, placed=placed)


def _same_release(
    latest: Target, delta: ScaleDelta | RestartDelta, placed: Collection[Placed]
) -> Plan:
    if latest.build is None:
        raise Refused("No build associated with this release")
    app, release, structure = latest.app.id, latest.release.version, latest.app.structure
    if isinstance(delta, RestartDelta):
        return for_restart(
            app, release, structure, placed=placed, process_type=delta.type, num=delta.num
        )
    wanted = rules.scaled_structure(structure, delta.structure)
    return for_scale(app, release, wanted, before=structure, placed=placed)


async def _making(
    conn: Connection, ring: Ring, operation: Operation, delta: Delta, latest: Target
) -> _Making:
    """Merge the delta onto the latest live release; ControlError when that cannot be."""
    actor, build, config = operation.actor, latest.build, latest.config
    if isinstance(delta, RollbackDelta):
        back = await _rollback_target(conn, ring, delta, latest)
        text = rules.rollback_summary(actor, back.release.version)
        return _Making(back.build, back.config.uuid, back.config.data, text)
    if isinstance(delta, BuildDelta):
        made = await builds.find(conn, operation.app, UUID(delta.build))
        text = rules.release_summary(actor, config.data, config.data, build, made)
        return _Making(made, config.uuid, config.data, text)
    assert isinstance(delta, ConfigDelta)
    data = rules.merge_config(config.data, delta)
    text = rules.release_summary(actor, config.data, data, build, build)
    return _Making(build, None, data, text)


async def _rollback_target(
    conn: Connection, ring: Ring, delta: RollbackDelta, latest: Target
) -> Target:
    """The live release to go back to; NotFound."""
    app = latest.app.uuid
    if delta.version is None:
        back = await releases.before(conn, app, latest.release.version)
    else:
        back = await releases.live(conn, app, delta.version)
    return await releases.target(conn, ring, latest.app, back)


async def _new_release(
    conn: Connection,
    ring: Ring,
    operation: Operation,
    making: _Making,
    latest: Target,
    *,
    epoch: int,
    placed: Collection[Placed],
) -> Placing:
    structure = rules.structure_after(latest.app.structure, latest.build, making.build)
    if making.build is None and sum(structure.values()) > 0:
        raise Refused("No build associated with this release to run")
    # A store that is ahead of an old database has numbers that are taken all the same.
    in_store = max((item.copy.release for item in placed), default=0)
    highest = await releases.highest_version(conn, operation.app)
    version = rules.next_version(max(highest, in_store))
    config = making.config
    if config is None:
        actor = operation.actor_id
        made = await configs.insert(conn, ring, latest.app, uuid4(), actor, making.data)
        config = made.uuid
    await releases.insert(
        conn,
        uuid4(),
        operation.app,
        operation.actor_id,
        version=version,
        summary=making.summary,
        config=config,
        build=making.build.uuid if making.build else None,
        operation=operation.id,
    )
    taken = [item.copy for item in placed]
    plan = for_release(operation.app_id, version, structure, taken)
    await operations.place(conn, operation, epoch=epoch, release=version, plan=plan.to_plain())
    blueprint = Blueprint(operation.app_id, version, making.build, making.data)
    return Placing(plan, blueprint, making.summary)

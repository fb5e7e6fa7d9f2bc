"""`queued → placing`: one transaction that makes the release and fixes what is wanted.

So a release exists exactly once, in order of execution (architecture.md, the life of a change).
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

from deis_control.db import apps, builds, configs, operations, releases
from deis_control.db.pool import Connection
from deis_control.deltas import BuildDelta, Delta, DestroyDelta, RollbackDelta
from deis_control.errors import ControlError
from deis_control.model import Build, Operation, Target
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.deciding import Decided, Facts, Making, Refused, decide
from deis_control.scheduler.formation import Plan
from deis_control.scheduler.world import Placed
from deis_node.cluster.seal import Ring


@dataclass(frozen=True, slots=True)
class Placing:
    """What came of placing an operation."""

    plan: Plan | None
    """None for the end of an app."""
    blueprint: Blueprint | None = None
    """Of the release that the plan is for."""
    summary: str = ""
    """Of the release that was made, if one was."""


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
    try:
        facts = await facts_of(conn, ring, operation.app, delta, placed)
        decided = decide(delta, facts, operation.actor)
    except ControlError as err:
        raise Refused(str(err)) from err
    return await _write(conn, ring, operation, decided, facts, epoch=epoch)


async def facts_of(
    conn: Connection,
    ring: Ring,
    app: UUID,
    delta: Delta,
    placed: Collection[Placed],
    build: Build | None = None,
) -> Facts:
    """What the change is decided on; `build` stands for one that has no row yet.

    It only reads. NotFound when what the delta names is not there.
    """
    latest = await releases.latest_target(conn, ring, app)
    if isinstance(delta, BuildDelta) and build is None:
        build = await builds.find(conn, app, UUID(delta.build))
    back = None
    if isinstance(delta, RollbackDelta):
        back = await _rollback_target(conn, ring, delta, latest)
    highest = await releases.highest_version(conn, app)
    return Facts(latest, placed, highest, build, back)


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


async def _write(
    conn: Connection,
    ring: Ring,
    operation: Operation,
    decided: Decided,
    facts: Facts,
    *,
    epoch: int,
) -> Placing:
    """Write down what was decided: the release, if one is made, and the plan."""
    plan, making = decided.plan, decided.making
    release = plan.release if making is not None else None
    if making is not None:
        await _insert(conn, ring, operation, making, facts, plan.release)
    await operations.place(conn, operation, epoch=epoch, release=release, plan=plan.to_plain())
    return Placing(plan, decided.blueprint, making.summary if making else "")


async def _insert(
    conn: Connection,
    ring: Ring,
    operation: Operation,
    making: Making,
    facts: Facts,
    version: int,
) -> None:
    config = making.config
    if config is None:
        actor = operation.actor_id
        made = await configs.insert(conn, ring, facts.latest.app, uuid4(), actor, making.data)
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

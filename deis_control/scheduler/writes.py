"""Steps of a decision as changes of the store. PURE."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from deis_control.scheduler.changes import Change
from deis_control.scheduler.engines import native
from deis_control.scheduler.steps import (
    DropMove,
    DropRoute,
    Forget,
    Place,
    PutRoute,
    Raise,
    Step,
    Stop,
    Withdraw,
)
from deis_node.cluster import keys
from deis_node.cluster.etcd import Compare, Delete, Put, mod_revision_is
from deis_node.cluster.records import Await, Placement

Maker = Callable[[Place], Placement]
"""Makes the placement of a copy that is to be placed: of its release, or like its predecessor's."""


def change_for(app: str, step: Step, make: Maker) -> Change:
    """What carries out one step."""
    match step:
        case Place():
            before = step.succeeds.copy.generation if step.succeeds else 0
            made = replace(make(step), why=step.why, succeeds=before)
            ended = [native.drop_lost(item) for item in step.instead]
            return sum(ended, native.ensure(step.host, made))
        case Withdraw():
            return native.withdraw(step.placed) + Change(_still_serving(app, step.serving))
        case Stop():
            return native.drop(step.placed)
        case Forget():
            return native.forget(step.placed, step.seen)
        case PutRoute():
            return _put_route(app, step)
        case DropRoute():
            seen = mod_revision_is(keys.route(app), step.revision)
            return Change((seen,), (Delete(keys.route(app)), _barrier(app)))
        case Raise():
            return Change((), (_barrier(app),))
        case DropMove():
            key = keys.move(app, step.container)
            return Change((mod_revision_is(key, step.revision),), (Delete(key),))


def _put_route(app: str, step: PutRoute) -> Change:
    """The route and the barrier together, while the endpoints that it counts on are there."""
    key = keys.route(app)
    compares = (mod_revision_is(key, step.revision), *_still_serving(app, step.serving))
    return Change(compares, (Put(key, step.route.to_bytes()), _barrier(app)))


def _still_serving(app: str, endpoints: Iterable[tuple[str, int]]) -> tuple[Compare, ...]:
    return tuple(mod_revision_is(keys.service(app, name), revision) for name, revision in endpoints)


def _barrier(app: str) -> Put:
    """The key whose new revision the routers acknowledge."""
    return Put(keys.AWAIT, Await(app).to_bytes())

"""What an older database would take away, told beforehand."""

from typing import Any
from uuid import UUID

from deis_control.db.desired import Desired
from deis_control.scheduler.acceptance import Loss, losses
from deis_control.scheduler.snapshot import AppKeys
from deis_control.scheduler.world import Placed, Routed
from deis_node.cluster.records import PlacementState
from tests.worlds import make_copy, make_placed, make_route

ONE, TWO = make_copy(num=1), make_copy(num=2)


def held(*placed: Placed, serves: int = 2, runs: tuple[Placed, ...] = ()) -> dict[str, AppKeys]:
    keys = AppKeys(
        placed={item.copy.container: item for item in placed},
        runs={item.copy.container: item for item in runs},
        route=Routed(make_route(serves), 5),
    )
    return {"hello": keys}


def wanted(release: int = 2, **facts: Any) -> dict[str, Desired]:
    fields: dict[str, Any] = {"structure": {"web": 1}, "destroying": False, "built": True}
    app = Desired(UUID(int=1), "hello", release=release, domains=(), **fields | facts)
    return {"hello": app}


def test_an_app_that_is_as_wanted_loses_nothing() -> None:
    assert losses(held(make_placed(ONE)), wanted(), ()) == []


def test_what_is_only_missing_is_no_loss() -> None:
    assert losses(held(make_placed(ONE)), wanted(structure={"web": 3}), ()) == []
    assert losses({}, wanted(), ()) == []


def test_an_unknown_app_is_removed() -> None:
    found = losses(held(make_placed(ONE), make_placed(TWO)), {}, ())
    assert found == [Loss("hello", True, (2,), None, (ONE, TWO))]


def test_an_older_release_serves_again_and_the_newer_copies_stop() -> None:
    newer = make_copy(release=3)
    (found,) = losses(held(make_placed(newer), serves=3), wanted(), ())
    assert (found.goes_back, found.serves, found.release, found.stops) == (True, (3,), 2, (newer,))


def test_copies_beyond_an_older_formation_stop_the_youngest_first() -> None:
    late = make_placed(TWO, created="2024-01-02T00:00:00UTC")
    (found,) = losses(held(make_placed(ONE), late), wanted(), ())
    assert (found.goes_back, found.stops) == (False, (TWO,))


def test_a_copy_that_moved_is_the_one_that_is_wanted() -> None:
    moved = make_placed(make_copy(generation=2), host="host-2", succeeds=1)
    assert losses(held(moved), wanted(), ()) == []
    assert losses(held(make_placed(ONE), moved), wanted(), ()) == []


def test_what_ends_already_is_not_told() -> None:
    ending = make_placed(TWO, state=PlacementState.WITHDRAW)
    assert losses(held(make_placed(ONE), ending), wanted(), ()) == []


def test_a_one_off_command_that_nobody_knows_stops() -> None:
    run = make_placed(make_copy("run"))
    known = held(make_placed(ONE), runs=(run,))
    assert losses(known, wanted(), {run.placement.uuid}) == []
    (found,) = losses(known, wanted(), ())
    assert found.stops == (run.copy,)

"""What is remembered of the apps, and an app's target at rest."""

from typing import Any, cast
from uuid import UUID

import pytest

from deis_control.db import desired as wanted
from deis_control.db.desired import Desired
from deis_control.db.pool import Connection
from deis_control.model import ConfigData
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.catalogue import Catalogue, rest_target
from deis_control.scheduler.world import Cause, Displacement, World
from deis_node.cluster.records import Route
from tests.worlds import make_build, make_copy, make_placed, make_world

ONE = make_copy()
BLUEPRINT = Blueprint("hello", 2, make_build(), ConfigData(memory={"web": "1M"}, tags={"a": "b"}))


def desired(**facts: Any) -> Desired:
    fields: dict[str, Any] = {
        "uuid": UUID(int=1),
        "id": "hello",
        "structure": {"web": 1},
        "destroying": False,
        "release": 2,
        "built": True,
        "domains": (),
    }
    return Desired(**fields | facts)


def stored(route: Route | None = None, *, placed: bool = True, **facts: Any) -> World:
    return make_world(None, placed=[make_placed(ONE)] if placed else [], route=route, **facts)


def test_a_route_of_the_same_release_is_kept_with_its_whitelist() -> None:
    route = Route("hello", {"2": 1}, whitelist=("10.0.0.0/8",))
    target = rest_target(desired(domains=("a.org",)), stored(route), 30)
    assert target is not None
    assert target.route == Route("hello", {"2": 1}, ("a.org",), ("10.0.0.0/8",), 30)
    assert target.copies == {ONE}


def test_a_missing_copy_needs_the_blueprint() -> None:
    route = Route("hello", {"2": 1})
    assert rest_target(desired(), stored(route, placed=False), 30) is None
    target = rest_target(desired(), stored(route, placed=False), 30, BLUEPRINT)
    assert target is not None
    assert (target.copies, target.memory, target.tags) == (
        frozenset({ONE}),
        {"web": 1 << 20},
        {"a": "b"},
    )


def test_a_copy_that_is_made_again_elsewhere_is_made_like_the_one_before() -> None:
    lost = {ONE.container: Displacement(Cause.LOST, 5, None, "host-1 is lost")}
    route, placed = Route("hello", {"2": 1}), [make_placed(ONE, memory=5, single=True)]
    facts: dict[str, Any] = {"lost": frozenset({"host-1"}), "displaced": lost}
    world = make_world(None, placed=placed, route=route, **facts)
    target = rest_target(desired(tags={"a": "b"}, arch="arm64"), world, 30)
    assert target is not None
    assert (target.copies, target.tags, target.arch) == ({ONE}, {"a": "b"}, "arm64")
    assert (target.memory, target.single) == ({"web": 5}, {"web"})


def test_a_missing_or_other_route_needs_the_blueprint() -> None:
    assert rest_target(desired(), stored(), 30) is None
    assert rest_target(desired(), stored(Route("hello", {"1": 1})), 30) is None


def test_an_app_without_a_build_has_no_copies() -> None:
    target = rest_target(desired(built=False), stored(Route("hello"), placed=False), 30)
    assert target is not None
    assert (target.copies, target.route.releases) == (frozenset(), {})


async def test_an_older_slow_read_does_not_undo_a_newer_one_that_found_nothing_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue, conn = Catalogue(), cast(Connection, None)
    newer, older = desired(release=3), desired(release=2)

    async def of_app(_: Connection, __: UUID) -> Desired:
        return newer

    async def of_all(_: Connection) -> dict[str, Desired]:
        await catalogue.read(conn, newer.uuid)
        return {older.id: older}

    monkeypatch.setattr(wanted, "of_app", of_app)
    monkeypatch.setattr(wanted, "of_all", of_all)
    await catalogue.read(conn, newer.uuid)
    assert await catalogue.read_all(conn) == frozenset()
    assert catalogue.get("hello") == newer

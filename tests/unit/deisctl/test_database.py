"""An older database in words."""

from typing import Any

from deis_cli.deisctl.database.texts import MOST, count_text, loss_text


def loss(**facts: Any) -> dict[str, Any]:
    stops = [{"name": "web.1", "release": 3}]
    given = {"app": "hello", "removed": False, "serves": [3], "release": 3, "stops": stops}
    return given | facts


def test_what_becomes_of_an_app_is_one_line() -> None:
    assert loss_text(loss()) == "hello: web.1 (v3) stops"
    gone = loss(removed=True, release=None, stops=[])
    assert loss_text(gone) == "hello: is removed, for PostgreSQL does not know it"
    back = "hello: v2 serves again instead of v3; web.1 (v3) stops"
    assert loss_text(loss(release=2)) == back
    halfway = loss_text(loss(serves=[3, 4], release=2, stops=[]))
    assert halfway == "hello: v2 serves again instead of v3 and v4"


def test_of_many_copies_some_are_named() -> None:
    stops = [{"name": f"web.{n}", "release": 3} for n in range(1, MOST + 4)]
    text = loss_text(loss(stops=stops))
    assert text.endswith(f"web.{MOST} (v3) and 3 more stop")


def test_how_far_it_is_behind_is_said_by_numbers() -> None:
    behind = count_text({"database": 3, "store": 5})
    assert behind == "It knows 3 of the 5 changes that the store has heard of."
    ahead = count_text({"database": 9, "store": 5})
    assert ahead == "It has gone on to 9 changes, but from before the store's change 5."

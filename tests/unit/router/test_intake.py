"""Hostile keys and values: no app's rows depend on another's records."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from deis_node.cluster import keys
from deis_node.cluster.etcd import Listing
from deis_node.cluster.records import Endpoint, Host, Route
from deis_node.router.compose import Policy
from deis_node.router.intake import SUBDOMAIN, TABLE_PREFIXES, Intake, Listings
from deis_node.router.table import Table
from tests.unit.router.strategies import hostile, json_values, stored

VICTIM = {
    keys.host("h1"): Host("h1", "10.0.0.1").to_bytes(),
    keys.route("victim"): Route("victim", {"1": 1}, ("www.victim.com",)).to_bytes(),
    keys.service("victim", "victim_v1.web.1"): Endpoint("10.0.0.1:80", "h1", 1).to_bytes(),
}

evil_routes: Any = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {
            "app": st.just("evil") | hostile,
            "releases": st.just({"1": 1}),
            "domains": st.lists(hostile | st.just("www.victim.com")),
            "whitelist": st.lists(hostile),
        }
    ),
).map(lambda value: json.dumps(value).encode())


def make_intake() -> Intake:
    intake = Intake(Table(Policy(domain="localhost")))
    for key, value in VICTIM.items():
        intake.put(stored(key, value))
    intake.table.take()
    return intake


def full(intake: Intake, facts: dict[str, bytes], revision: int = 1, **options: Any) -> None:
    listings: Listings = {
        prefix: Listing(
            revision,
            tuple(stored(key, facts[key], revision) for key in facts if key.startswith(prefix)),
        )
        for prefix in TABLE_PREFIXES
    }
    digest = intake.digest(listings, anew=False)
    intake.full(listings, digest, **{"carry": False} | options)


def others(intake: Intake) -> dict[str, str]:
    intake.table.take()
    rows = intake.table.rows
    return {key: row for key, row in rows.items() if "evil" not in row and "evil" not in key}


@given(st.dictionaries(hostile | st.just("evil"), evil_routes | st.binary(), max_size=4))
@example({"deis": b"no route"})
def test_no_route_changes_another_app_s_rows(routes: dict[str, bytes]) -> None:
    intake = make_intake()
    before = others(intake)
    for name, value in routes.items():
        if name != "victim":
            intake.put(stored(keys.ROUTES + name, value, 2))
    found = others(intake)
    assert {key: found.get(key) for key in before} == before


@given(hostile, json_values)
def test_no_endpoint_changes_another_app_s_rows(name: str, value: Any) -> None:
    intake = make_intake()
    before = others(intake)
    intake.put(stored(f"{keys.SERVICES}{name}/web", json.dumps(value).encode(), 2))
    intake.put(stored(f"{keys.SERVICES}victim/{name}/x", b"", 2))
    found = others(intake)
    assert {key: found.get(key) for key in before} == before


@given(st.dictionaries(hostile, st.binary(), max_size=4))
def test_no_other_key_stops_the_intake(facts: dict[str, bytes]) -> None:
    intake = make_intake()
    for prefix in TABLE_PREFIXES[2:]:
        for name, value in facts.items():
            if f"{prefix}{name}" != SUBDOMAIN:
                intake.put(stored(prefix + name, value, 2))
                intake.delete(prefix + name, 3)
    assert others(intake)["d:www.victim.com"] == "l:victim"


def test_reading_everything_gives_the_same_as_the_changes() -> None:
    intake, anew = make_intake(), Intake(Table(Policy(domain="localhost")))
    full(anew, VICTIM)
    assert others(anew) == others(intake)


def test_reading_everything_again_changes_nothing() -> None:
    intake = make_intake()
    full(intake, VICTIM)
    assert not intake.table.take()


def test_what_is_not_there_any_more_goes() -> None:
    intake = make_intake()
    full(intake, {}, 5)
    assert others(intake).keys() == {"l:deis"}


def test_a_wrong_setting_leaves_all_of_them_as_they_were() -> None:
    intake = make_intake()
    intake.put(stored("/deis/router/bodySize", b"2m"))
    intake.put(stored("/deis/router/gzip", b"perhaps"))
    intake.put(stored("/deis/router/defaultTimeout", b"7"))
    assert intake.settings.body_size == "2m"
    assert intake.settings.default_timeout == 1300
    assert "gzip" in intake.errors["router"]
    intake.delete("/deis/router/gzip", 3)
    assert intake.settings.default_timeout == 7
    assert intake.errors == {}


def test_the_controllers_can_have_another_name() -> None:
    intake = make_intake()
    intake.put(stored(SUBDOMAIN, b"victim"))
    assert "l:deis" not in others(intake)
    assert intake.table.rows["l:victim"].startswith("controller victim ")
    intake.put(stored(SUBDOMAIN, b"no good\n"))
    assert "subdomain" in intake.errors["router"]
    intake.delete(SUBDOMAIN, 4)
    assert others(intake)["l:victim"].startswith("app victim ")

"""Routes and endpoints → rows: what a change changes, and what it never does."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deis_node.router.compose import Policy
from deis_node.router.model import AppRoute, Peer
from deis_node.router.table import Table
from deis_node.router.values import guest

ROW = re.compile(
    r"(app|controller) [a-z0-9-]+ (\*|-|[0-9a-f]+/\d+(,[0-9a-f]+/\d+)*)"
    r"( (-|\d+=[^ ,;=]+(,[^ ,;=]+)*(;\d+=[^ ,;=]+(,[^ ,;=]+)*)*)){2}"
)


def make_peer(port: int = 1000, release: int = 1, host: str = "h1", revision: int = 1) -> Peer:
    ip = {"h1": "10.0.0.1", "h2": "10.0.0.2"}[host]
    return Peer(f"{ip}:{port}", host, release, revision)


def make_table(**policy: Any) -> Table:
    table = Table(Policy(domain="localhost", **policy))
    table.set_host("h1", "10.0.0.1")
    table.set_host("h2", "10.0.0.2")
    return table


def with_app(table: Table, name: str = "hello", *peers: Peer, **facts: Any) -> Table:
    table.set_route(name, AppRoute(**{"weights": {1: 100}} | facts))
    found = {f"c{number}": peer for number, peer in enumerate(peers or (make_peer(),))}
    table.set_peers(name, found, 1)
    return table


def rows(table: Table) -> dict[str, str]:
    table.take()
    return dict(table.rows)


def test_an_app_is_a_row() -> None:
    table = with_app(make_table(), "hello", make_peer(), make_peer(1001))
    assert rows(table)["l:hello"] == "app hello * 100=10.0.0.1:1000,10.0.0.1:1001 -"


def test_the_controllers_have_a_row_from_the_start() -> None:
    table = make_table()
    assert rows(table) == {"l:deis": "controller deis * - -"}
    table.set_controllers({"c1": Peer("10.9.9.9:80", "", 0, 1)})
    assert rows(table)["l:deis"] == "controller deis * 1=10.9.9.9:80 -"


def test_a_controller_on_a_host_without_a_record_is_a_last_resort() -> None:
    table = make_table()
    peers = {f"c{n}": Peer(f"10.0.0.{n}:8000", "", 0, 1) for n in (1, 2, 9)}
    table.set_controllers(peers)
    assert rows(table)["l:deis"] == (
        "controller deis * 1=10.0.0.1:8000,10.0.0.2:8000,10.0.0.9:8000 -"
    )
    table.set_host("h1", None)
    assert rows(table)["l:deis"] == (
        "controller deis * 1=10.0.0.2:8000,10.0.0.9:8000 1=10.0.0.1:8000"
    )
    table.set_host("h2", None)
    table.set_controllers({"c1": peers["c1"], "c2": peers["c2"]})
    assert rows(table)["l:deis"] == "controller deis * - 1=10.0.0.1:8000,10.0.0.2:8000"
    table.set_host("h1", "10.0.0.1")
    assert rows(table)["l:deis"] == "controller deis * 1=10.0.0.1:8000 1=10.0.0.2:8000"


def test_a_controller_whose_address_another_host_has_by_now_is_none_of_the_lost() -> None:
    table = make_table()
    table.set_controllers({"c1": Peer("10.0.0.1:8000", "", 0, 1)})
    table.set_host("h1", None)
    table.set_host("h3", "10.0.0.1")
    assert rows(table)["l:deis"] == "controller deis * 1=10.0.0.1:8000 -"


def test_releases_share_by_weight_and_others_get_nothing() -> None:
    peers = (make_peer(), make_peer(1002, 2), make_peer(1003, 3))
    table = with_app(make_table(), "hello", *peers, weights={1: 90, 2: 10})
    assert rows(table)["l:hello"] == "app hello * 90=10.0.0.1:1000;10=10.0.0.1:1002 -"


def test_peers_of_a_host_that_is_gone_come_last() -> None:
    table = with_app(make_table(), "hello", make_peer(), make_peer(host="h2"))
    table.take()
    table.set_host("h2", None)
    delta = table.take()
    assert delta.sets == {"l:hello": "app hello * 100=10.0.0.1:1000 100=10.0.0.2:1000"}
    assert not delta.withdrawn


def test_a_peer_whose_address_is_not_its_host_s_is_left_out() -> None:
    table = with_app(make_table(), "hello", Peer("10.6.6.6:80", "h1", 1, 1))
    assert rows(table)["l:hello"] == "app hello * - -"
    assert "10.6.6.6:80" in table.errors["hello"]


def test_a_whitelist_is_part_of_the_row() -> None:
    table = with_app(make_table(), guests=(guest("10.0.0.0/8"), guest("::1")))
    assert rows(table)["l:hello"].startswith(f"app hello 0a000000/8,{'0' * 31}1/128 ")
    with_app(table, guests=())
    assert rows(table)["l:hello"].startswith("app hello - ")


def test_an_enforced_whitelist_closes_apps_without_one() -> None:
    table = with_app(make_table(whitelist_enforced=True))
    found = rows(table)
    assert found["l:hello"].startswith("app hello - ")
    assert found["l:deis"].startswith("controller deis - ")


def test_domains_lead_to_the_app() -> None:
    table = with_app(make_table(), domains=("www.x.com", "a.localhost", "localhost"))
    found = rows(table)
    assert found["d:www.x.com"] == found["w:a.localhost"] == found["w:localhost"] == "l:hello"


def test_a_change_names_only_what_differs() -> None:
    table = with_app(make_table(), "hello", domains=("x.com",))
    with_app(table, "other", make_peer(1001)).take()
    table.set_peer("hello", "c0", make_peer(2000, revision=5), 5)
    delta = table.take()
    assert delta.sets.keys() == {"l:hello"}
    assert delta.deletes == ()
    assert (delta.withdrawn, delta.returned) == ({"10.0.0.1:1000"}, {"10.0.0.1:2000"})
    assert not table.take()


def test_an_address_that_another_row_names_is_not_withdrawn() -> None:
    table = with_app(with_app(make_table()), "other")
    table.take()
    table.set_route("other", None)
    delta = table.take()
    assert delta.deletes == ("l:other",)
    assert not delta.withdrawn
    assert table.names("10.0.0.1:1000")


def test_older_news_are_no_news() -> None:
    table = with_app(make_table())
    table.set_peers("hello", {"c0": make_peer(revision=8)}, 9)
    table.set_peer("hello", "c0", None, 7)
    table.set_peer("hello", "c1", make_peer(1001, revision=9), 9)
    assert rows(table)["l:hello"] == "app hello * 100=10.0.0.1:1000 -"
    table.set_peer("hello", "c0", None, 10)
    assert rows(table)["l:hello"] == "app hello * - -"


def test_endpoints_that_a_new_store_lacks_are_kept_for_a_while() -> None:
    table = with_app(make_table())
    before = rows(table)
    table.set_peers("hello", {}, 3, carry=True)
    assert rows(table) == before
    table.set_peers("hello", {}, 4)
    assert rows(table) == before
    table.drop_carried()
    assert rows(table)["l:hello"] == "app hello * - -"


def test_kept_endpoints_go_when_others_are_read() -> None:
    table = with_app(make_table())
    table.set_peers("hello", {}, 3, carry=True)
    table.set_peers("hello", {"c9": make_peer(1009, revision=4)}, 4)
    assert rows(table)["l:hello"] == "app hello * 100=10.0.0.1:1009 -"


def test_an_unreadable_route_is_an_app_that_nobody_serves() -> None:
    table = with_app(make_table(), domains=("x.com",))
    table.take()
    table.set_route("hello", None, "not JSON")
    delta = table.take()
    assert delta.sets == {"l:hello": "app hello * - -"}
    assert delta.deletes == ("d:x.com",)
    assert table.errors == {"hello": "not JSON"}


def test_the_controllers_name_is_nobody_s() -> None:
    table = with_app(make_table(), "deis", domains=("x.com",))
    assert rows(table) == {"l:deis": "controller deis * - -"}
    assert "reserved" in table.errors["deis"]


def test_a_domain_goes_to_the_next_who_named_it() -> None:
    table = with_app(make_table(), "first", domains=("x.com",))
    with_app(table, "second", domains=("x.com",))
    assert rows(table)["d:x.com"] == "l:first"
    assert table.domains.contested() == {"x.com": "first"}
    table.set_route("first", AppRoute({1: 1}))
    delta = table.take()
    assert delta.sets["d:x.com"] == "l:second"
    assert delta.deletes == ()
    assert not table.errors
    assert not table.domains.contested()


def test_nothing_is_left_of_what_is_gone() -> None:
    table = with_app(make_table(), domains=("x.com",))
    table.take()
    table.set_route("hello", None)
    table.set_peer("hello", "c0", None, 9)
    table.take()
    assert table.apps == ()
    assert table.rows.keys() == {"l:deis"}


names = st.sampled_from(["hello", "other", "third"])
routes = st.builds(
    AppRoute,
    weights=st.dictionaries(st.integers(1, 3), st.integers(1, 9), max_size=3),
    domains=st.lists(st.sampled_from(["x.com", "y.com", "a.localhost"]), unique=True).map(tuple),
    guests=st.none() | st.just((guest("10.0.0.0/8"),)),
)
peers = st.builds(
    make_peer, st.integers(1000, 1004), st.integers(1, 3), st.sampled_from(["h1", "h2"])
)
steps = st.one_of(
    st.tuples(st.just("route"), names, routes | st.none()),
    st.tuples(st.just("peer"), names, st.sampled_from(["c0", "c1", "c2"]), peers | st.none()),
    st.tuples(st.just("host"), st.sampled_from(["h1", "h2"]), st.booleans()),
    st.tuples(st.just("take")),
)


@given(st.lists(steps, max_size=25))
def test_deltas_add_up_to_the_whole_table(script: list[Any]) -> None:
    table = make_table()
    nginx: dict[str, str] = {}
    leaving: set[str] = set()
    for revision, step in enumerate([*script, ("take",)], 2):
        match step:
            case ("route", name, route):
                table.set_route(name, route)
            case ("peer", name, container, peer):
                table.set_peer(name, container, peer, revision)
            case ("host", name, live):
                table.set_host(name, f"10.0.0.{name[1]}" if live else None)
            case _:
                delta = table.take()
                assert not delta.sets.keys() & set(delta.deletes)
                nginx |= delta.sets
                for key in delta.deletes:
                    del nginx[key]
                leaving = (leaving | delta.withdrawn) - delta.returned
    assert nginx == table.rows
    text = " ".join(nginx.values())
    served = set(re.findall(r"10\.0\.0\.\d:\d+", text))
    assert not leaving & served
    for key, row in nginx.items():
        assert ROW.fullmatch(row) if key.startswith("l:") else row in nginx

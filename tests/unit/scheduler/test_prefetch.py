"""Which hosts shall have an app's image before a copy comes."""

from typing import Any
from uuid import UUID

from deis_control.db.desired import Desired
from deis_control.scheduler.prefetch import Fleet, Stand, changes_for, wanted_hosts
from deis_control.scheduler.world import HostSeen, Placed, PrefetchSeen
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, Put
from deis_node.cluster.records import PlacementState, Prefetch
from tests.worlds import make_copy, make_host, make_placed

IMAGE, OTHER = "127.0.0.1:5000/hello@sha256:1", "127.0.0.1:5000/hello@sha256:0"


def web(*hosts: str, **facts: Any) -> list[Placed]:
    """Copies 1, 2, … on these hosts."""
    return [
        make_placed(make_copy(num=num), host=host, image=IMAGE, **facts)
        for num, host in enumerate(hosts, 1)
    ]


def desired(**facts: Any) -> Desired:
    fields: dict[str, Any] = {"structure": {"web": 1}, "destroying": False, "release": 2}
    return Desired(UUID(int=1), "hello", **fields | {"built": True, "domains": ()} | facts)


def seen(held: bool = True, image: str = IMAGE) -> PrefetchSeen:
    return PrefetchSeen(Prefetch(image, held), 7)


def fleet(*hosts: str | HostSeen, **facts: Any) -> Fleet:
    made = [make_host(host) if isinstance(host, str) else host for host in hosts]
    return Fleet({host.name: host for host in made}, **facts)


def test_two_hosts_more_than_run_it_get_the_image_of_an_app() -> None:
    app = Stand(desired(), web("a", "b"))
    assert wanted_hosts(app, fleet("a", "b", "c", "d", "e"), 2) == {"c": IMAGE, "d": IMAGE}
    assert wanted_hosts(app, fleet("a", "b", "c"), 2) == {"c": IMAGE}
    assert wanted_hosts(app, fleet("a", "b"), 2) == {}
    assert wanted_hosts(app, fleet("a", "b", "c"), 0) == {}


def test_they_are_those_that_further_copies_would_go_to() -> None:
    hosts = [
        make_host("a1", tags={"zone": "a"}),
        make_host("a2", tags={"zone": "a"}),
        make_host("a3", tags={"zone": "a"}),
        make_host("b1", tags={"zone": "b"}, copies=90),
        make_host("b2", tags={"zone": "b"}, copies=80),
        make_host("c1", tags={"zone": "c"}, roles=("router",)),
    ]
    app = Stand(desired(), web("a1"))
    found = wanted_hosts(app, fleet(*hosts, separate=("router",)), 2)
    assert found is not None
    assert list(found) == ["b2", "a2"]


def test_images_that_are_promised_count_like_copies() -> None:
    app, hosts = Stand(desired(), web("a")), ("a", "b", "c", "d")
    assert wanted_hosts(app, fleet(*hosts, promised={"b": 2, "c": 1}), 1) == {"d": IMAGE}


def test_a_choice_stays_whatever_the_loads_become() -> None:
    hosts = (make_host("a"), make_host("b"), make_host("c", copies=99), make_host("d", copies=99))
    app = Stand(desired(), web("a"), {"c": seen(), "d": seen(held=False)})
    assert wanted_hosts(app, fleet(*hosts), 2) == {"c": IMAGE, "d": IMAGE}
    assert wanted_hosts(app, fleet(*hosts), 1) == {"c": IMAGE}


def test_a_host_that_runs_it_by_now_is_followed_by_another() -> None:
    app = Stand(desired(), web("a", "b"), {"b": seen(), "c": seen()})
    assert wanted_hosts(app, fleet("a", "b", "c", "d"), 2) == {"c": IMAGE, "d": IMAGE}


def test_a_host_that_takes_no_copies_or_flaps_is_not_chosen() -> None:
    hosts = (make_host("a"), make_host("b", cordoned=True), make_host("c"), make_host("d"))
    app = Stand(desired(), web("a"), {"b": seen()})
    assert wanted_hosts(app, fleet(*hosts, avoided={"c"}), 2) == {"d": IMAGE}
    tagged = Stand(desired(tags={"disk": "ssd"}), web("a"))
    assert wanted_hosts(tagged, fleet("a", make_host("b", tags={"disk": "ssd"}), "c"), 2) == {
        "b": IMAGE
    }


def test_a_host_that_is_lost_keeps_its_place_for_a_while() -> None:
    app = Stand(desired(), web("a"), {"b": seen()})
    assert wanted_hosts(app, fleet("a", "c", "d", away=["b"]), 1) == {"b": IMAGE}
    assert wanted_hosts(app, fleet("a", "c", "d"), 1) == {"c": IMAGE}


def test_nothing_is_decided_in_the_middle_of_a_change() -> None:
    both = [*web("a"), make_placed(make_copy(release=3), host="b", image=OTHER)]
    assert wanted_hosts(Stand(desired(), both), fleet("a", "b", "c"), 2) is None
    assert wanted_hosts(Stand(desired(release=3), web("a")), fleet("a", "b"), 2) is None
    left = [*web("a"), make_placed(make_copy(release=1), state=PlacementState.STOP)]
    assert wanted_hosts(Stand(desired(), left), fleet("a", "b"), 2) == {"b": IMAGE}


def test_an_app_that_goes_or_runs_nothing_needs_no_image() -> None:
    wishes = {"b": seen()}
    assert wanted_hosts(Stand(None, web("a"), wishes), fleet("a", "b"), 2) == {}
    assert wanted_hosts(Stand(desired(), [], wishes), fleet("a", "b"), 2) == {}


def test_only_what_differs_is_written() -> None:
    before = {"b": seen(), "c": seen(image=OTHER), "d": seen()}
    changes = changes_for("hello", before, {"b": IMAGE, "c": IMAGE, "e": IMAGE})
    assert [change.ops for change in changes] == [
        (Put(keys.prefetch("c", "hello"), Prefetch(IMAGE).to_bytes()),),
        (Delete(keys.prefetch("d", "hello")),),
        (Put(keys.prefetch("e", "hello"), Prefetch(IMAGE).to_bytes()),),
    ]
    assert [int(change.compares[0].operand) for change in changes] == [7, 7, 0]
    assert changes_for("hello", before, {"b": IMAGE, "c": OTHER, "d": IMAGE}) == []

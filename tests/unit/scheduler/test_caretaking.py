"""What a leader without a database does about copies of lost hosts."""

from dataclasses import replace
from typing import Any

from deis_control.scheduler.caretaking import successors
from deis_control.scheduler.engines import nodes
from deis_control.scheduler.steps import Place
from deis_control.scheduler.world import Cause, Displacement, Placed, World
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import NATIVE, SWARM
from tests.worlds import make_copy, make_host, make_placed, make_route, make_world

ONE, TWO = make_copy(num=1), make_copy(num=2)
MIB = 1 << 20


def lost(*items: Placed, cause: Cause = Cause.LOST, **facts: Any) -> World:
    """A world in which host-1 is lost with what is placed on it; host-2 and host-3 are alive."""
    away = [item for item in items if item.host == "host-1"]
    found = {item.copy.container: Displacement(cause, 990, None, "it is lost") for item in away}
    fields: dict[str, Any] = {
        "placed": items,
        "route": make_route(2),
        "hosts": (make_host("host-2"), make_host("host-3")),
        "lost": frozenset({"host-1"} if cause is Cause.LOST else ()),
        "displaced": found,
    }
    return make_world(None, **fields | facts)


def placed(copy: CopyName, host: str = "host-1", **facts: Any) -> Placed:
    return make_placed(copy, host=host, **{"tags": {}} | facts)


def told(world: World, engine: str = NATIVE) -> list[tuple[str, str]]:
    steps = successors(world, engine)
    assert all(step.engine == engine for step in steps)
    assert all(isinstance(step, Place) and step.succeeds for step in steps)
    return [(step.copy.container, step.host) for step in steps]


def test_copies_of_lost_hosts_are_made_again_and_nothing_else() -> None:
    world = lost(placed(ONE), placed(TWO, "host-2"))
    assert told(world) == [("hello_v2.web.1.g2", "host-3")]
    again = placed(make_copy(generation=2), "host-3", succeeds=1)
    assert told(lost(placed(ONE), placed(TWO, "host-2"), again)) == []


def test_what_a_copy_asks_of_a_host_is_in_its_placement() -> None:
    hosts = (make_host("host-2"), make_host("host-3", tags={"disk": "ssd"}, memory=100 * MIB))
    picky = placed(ONE, tags={"disk": "ssd"}, memory=60 * MIB)
    assert told(lost(picky, hosts=hosts)) == [("hello_v2.web.1.g2", "host-3")]
    large = placed(TWO, tags={"disk": "ssd"}, memory=60 * MIB)
    assert told(lost(picky, large, hosts=hosts)) == [("hello_v2.web.1.g2", "host-3")]
    arm = placed(ONE, arch="arm64")
    assert told(lost(arm, hosts=(make_host("host-2", arch="amd64"),))) == []


def test_a_copy_that_does_not_say_what_it_asks_is_left_to_the_database() -> None:
    assert told(lost(placed(ONE, tags=None), placed(TWO))) == [("hello_v2.web.2.g2", "host-2")]


def test_both_releases_of_a_rollout_are_kept_one_at_a_look() -> None:
    new = placed(make_copy(release=3), tags={"disk": "ssd"})
    hosts = (make_host("host-2"), make_host("host-3", tags={"disk": "ssd"}))
    facts: dict[str, Any] = {"hosts": hosts, "route": make_route(2, 3)}
    assert told(lost(placed(ONE), new, **facts)) == [("hello_v3.web.1.g2", "host-3")]
    again = placed(make_copy(release=3, generation=2), "host-3", succeeds=1)
    assert told(lost(placed(ONE), new, again, **facts)) == [("hello_v2.web.1.g2", "host-2")]


def test_those_with_most_requests_come_first() -> None:
    route = replace(make_route(2, 3), releases={"2": 5, "3": 1})
    new = placed(make_copy(release=3))
    assert told(lost(placed(ONE), new, route=route)) == [("hello_v2.web.1.g2", "host-2")]


def test_what_a_change_made_that_failed_or_does_not_serve_yet_is_left() -> None:
    new = make_copy(release=3)
    assert told(lost(placed(ONE, "host-2"), placed(new))) == []
    assert told(lost(placed(new))) == [("hello_v3.web.1.g2", "host-2")], "nobody else is there"
    leaves = lost(placed(ONE), placed(new, "host-2"), route=make_route(3))
    assert told(leaves) == [], "the new one has its requests"


def test_nothing_that_was_planned_begins() -> None:
    assert told(lost(placed(ONE), cause=Cause.DRAIN)) == []


def test_an_app_that_nobody_is_routed_to_is_left_to_the_database() -> None:
    assert told(lost(placed(ONE), route=None)) == []


def test_the_state_of_a_swarm_is_nothing_to_copies_that_agents_will_run() -> None:
    down = make_host("host-2", node=nodes.DOWN)
    world = lost(placed(ONE, engine=SWARM), hosts=(down,), engine=SWARM)
    assert told(world, NATIVE) == [("hello_v2.web.1.g2", "host-2")]
    assert told(world, SWARM) == [], "its planner would not take it there"
    ready = replace(world, hosts=(make_host("host-2", node=nodes.READY),))
    assert told(ready, SWARM) == [("hello_v2.web.1.g2", "host-2")]

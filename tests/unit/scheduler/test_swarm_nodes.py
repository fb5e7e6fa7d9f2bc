"""What hosts are as nodes of a Docker Swarm, and which of them take its copies."""

from collections.abc import Mapping
from typing import Any

import pytest

from deis_control.scheduler.engines import nodes
from deis_control.scheduler.feasible import Need, choose_hosts
from deis_control.scheduler.plan import plan_app
from deis_control.scheduler.snapshot import Index
from deis_control.scheduler.steps import Place
from deis_control.scheduler.world import HostSeen, Limits
from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.cluster.records import NATIVE, SWARM, Host, Record, SwarmNodes
from deis_node.docker.services import Node
from tests.worlds import make_copy, make_host, make_placed, make_target, make_world

WEB = make_copy()


def node(name: str, *, ready: bool = True, availability: str = "active") -> Node:
    return Node(name, ready, availability)


# --- what a host is ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        ([node("a")], nodes.READY),
        ([node("a", ready=False)], nodes.DOWN),
        ([node("a", availability="drain")], nodes.CLOSED),
        ([node("a", availability="pause")], nodes.CLOSED),
        ([node("a", ready=False, availability="drain")], nodes.DOWN),
        ([node("a"), node("a", ready=False)], nodes.READY),
        ([node("a", ready=False), node("a")], nodes.READY),
        ([node("a"), node("a")], nodes.TWICE),
        ([node("a"), node("a", availability="drain"), node("a")], nodes.TWICE),
        ([node("a", ready=False), node("a", ready=False)], nodes.DOWN),
        ([], nodes.ABSENT),
        ([node("b")], nodes.ABSENT),
    ],
)
def test_a_host_is_what_the_node_of_its_name_is(listed: list[Node], state: str) -> None:
    assert nodes.state_of(nodes.states(listed), "a") == state


def test_nothing_is_known_of_a_swarm_that_was_never_asked() -> None:
    assert nodes.state_of(None, "a") == nodes.UNKNOWN


# --- who takes its copies ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "reason", "lasting"),
    [
        (nodes.ABSENT, "a is not in the Docker Swarm", True),
        (nodes.DOWN, "a is down in the Docker Swarm", False),
        (nodes.CLOSED, "a takes no tasks of the Docker Swarm", False),
        (nodes.TWICE, "a is the name of several nodes of the Docker Swarm", False),
        (nodes.UNKNOWN, "a may not be in the Docker Swarm", False),
        ("of a later version", "a may not be in the Docker Swarm", False),
    ],
)
def test_a_host_that_no_task_can_run_on_refuses_and_says_why(
    state: str, reason: str, lasting: bool
) -> None:
    hosts = [make_host("a", node=state)]
    choice = choose_hosts([WEB], {"web": Need(engine=SWARM)}, hosts, {})
    assert choice.refused == {WEB: reason}
    assert (WEB in choice.hopeless) == lasting
    assert choose_hosts([WEB], {"web": Need(engine=NATIVE)}, hosts, {}).hosts == {WEB: "a"}


def place(hosts: tuple[HostSeen, ...], **facts: Any) -> Place:
    """The step that makes the one copy which is missing."""
    decision = plan_app(make_world(make_target(WEB), hosts=hosts, **facts))
    (step,) = decision.steps
    assert isinstance(step, Place)
    return step


def test_a_copy_of_the_swarm_goes_to_a_node_that_is_ready() -> None:
    hosts = make_host("a", node=nodes.DOWN), make_host("b")
    step = place(hosts, engine=SWARM)
    assert (step.host, step.engine) == ("b", SWARM)
    step = place(hosts, engine=NATIVE)
    assert (step.host, step.engine) == ("a", NATIVE)


def test_a_single_type_needs_no_node() -> None:
    target = make_target(WEB, single=frozenset({"web"}))
    world = make_world(target, hosts=(make_host("a", node=nodes.ABSENT),), engine=SWARM)
    (step,) = plan_app(world).steps
    assert isinstance(step, Place)
    assert (step.host, step.engine) == ("a", NATIVE)


def test_a_copy_that_comes_again_elsewhere_gets_the_engine_that_is_set_now() -> None:
    index = Index()
    for name in ("a", "b"):
        index.take(kv(keys.host(name), Host(name, "10.0.0.1")), 0)
    old = make_placed(WEB, host="b")
    index.take(kv(keys.placement("b", WEB.container), old.placement), 0)
    index.take(engine(SWARM), 0)
    index.take(noted({"a": nodes.READY}), 0)
    index.drop(keys.host("b"), 1)
    world = index.world("hello", make_target(WEB), now=1000, limits=Limits(swarm=True))
    steps = [step for step in plan_app(world).steps if isinstance(step, Place)]
    assert [(step.host, step.engine, step.succeeds) for step in steps] == [("a", SWARM, old)]


# --- what the store says -----------------------------------------------------------------


def kv(key: str, record: Record) -> KeyValue:
    return KeyValue(key, record.to_bytes(), 10, 10, 1, 0)


def engine(name: str) -> KeyValue:
    return KeyValue(keys.setting("scheduler", "engine"), name.encode(), 10, 10, 1, 0)


def noted(found: Mapping[str, str]) -> KeyValue:
    return kv(keys.SWARM, SwarmNodes(found))


def test_hosts_are_what_the_leader_has_noted_last() -> None:
    index = Index()
    index.take(kv(keys.host("a"), Host("a", "10.0.0.1")), 0)
    assert [host.node for host in index.loads()] == [nodes.UNKNOWN]
    index.take(noted({"a": nodes.DOWN}), 0)
    assert [host.node for host in index.loads()] == [nodes.DOWN]
    index.take(noted({"b": nodes.READY}), 0)
    assert [host.node for host in index.loads()] == [nodes.ABSENT]
    index.drop(keys.SWARM, 0)
    assert [host.node for host in index.loads()] == [nodes.UNKNOWN]


def test_the_setting_counts_only_where_there_is_a_swarm() -> None:
    index = Index()
    index.take(engine(SWARM), 0)
    with_swarm, without = Limits(swarm=True), Limits()
    assert index.world("hello", None, now=0, limits=with_swarm).engine == SWARM
    assert index.world("hello", None, now=0, limits=without).engine == NATIVE

"""The scheduling engine `swarm`: which services there shall be, and what they are made of."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.scheduler.engines import swarm
from deis_control.scheduler.engines.swarm import Plan, Wish
from deis_control.scheduler.world import Placed
from deis_node.cluster.records import SWARM, HealthCheck, PlacementState, Prepared
from deis_node.docker import labels, marks
from deis_node.docker.marks import Published
from deis_node.docker.services import Service, Task
from tests.worlds import make_copy, make_placed

EPOCH = 7


def placed(uuid: str = "u1", **facts: Any) -> Placed:
    return make_placed(**{"engine": SWARM, "uuid": uuid} | facts)


def wish(uuid: str = "u1", *, prepared: bool = True, **facts: Any) -> Wish:
    said = Prepared(uuid, port=20001, inside=5000) if prepared else None
    made = swarm.wish_of(placed(uuid, **facts), said)
    assert made is not None
    return made


def service(uuid: str = "u1", epoch: str = str(EPOCH)) -> Service:
    return Service(f"s-{uuid}", "name", {labels.PLACEMENT: uuid, labels.EPOCH: epoch})


def body(env: dict[str, str] | None = None, **facts: Any) -> dict[str, Any]:
    return swarm.service(wish(**facts), env or {}, "p1", EPOCH)


def container(env: dict[str, str] | None = None, **facts: Any) -> dict[str, Any]:
    made: dict[str, Any] = body(env, **facts)["TaskTemplate"]["ContainerSpec"]
    return made


# --- which services ----------------------------------------------------------------------


def test_a_copy_is_made_once_its_host_has_prepared_it() -> None:
    ready, waiting = wish("u1"), wish("u2", prepared=False)
    assert swarm.plan([ready, waiting], []) == Plan(make=(ready,))


def test_what_was_prepared_for_an_earlier_placement_of_the_name_does_not_count() -> None:
    made = swarm.wish_of(placed("u2"), Prepared("u1", port=20001, inside=5000))
    assert made is not None
    assert made.prepared is None


def test_nothing_is_to_be_done_for_a_copy_that_has_its_service() -> None:
    withdrawn = wish("u2", state=PlacementState.WITHDRAW)
    assert swarm.plan([wish("u1"), withdrawn], [service("u1"), service("u2")]).empty


def test_a_copy_that_is_withdrawn_before_it_was_made_is_not_made() -> None:
    assert swarm.plan([wish(state=PlacementState.WITHDRAW)], []).empty


def test_a_placement_that_says_stop_is_no_wish_and_its_service_goes() -> None:
    assert swarm.wish_of(placed(state=PlacementState.STOP), None) is None
    assert swarm.plan([], [service()]) == Plan(remove=(service(),))


def test_copies_of_the_agents_own_engine_are_left_to_the_agents() -> None:
    assert swarm.wish_of(make_placed(), Prepared("u1")) is None


def test_what_a_former_leader_made_and_no_placement_names_is_removed() -> None:
    stray = service("u9", epoch="3")
    assert swarm.plan([wish("u1")], [service("u1"), stray]) == Plan(remove=(stray,))


def test_an_epoch_from_before_postgresql_was_restored_keeps_no_service_alive() -> None:
    stray = service("u9", epoch="8")
    assert swarm.plan([wish("u1")], [service("u1", epoch="9"), stray]) == Plan(remove=(stray,))


def test_another_placement_of_the_same_name_first_has_the_old_service_removed() -> None:
    again = wish("u2")
    assert swarm.plan([again], [service("u1")]) == Plan((service("u1"),), (again,))


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(PlacementState))))
def test_carrying_the_plan_out_leaves_nothing_to_do(
    found: list[tuple[str, PlacementState]],
) -> None:
    wishes = [wish(uuid, state=state) for uuid, state in dict(found).items() if state != "stop"]
    first = swarm.plan(wishes, [service("a"), service("x")])
    left = [item for item in (service("a"), service("x")) if item not in first.remove]
    made = [service(item.placed.placement.uuid) for item in first.make]
    assert swarm.plan(wishes, [*left, *made]).empty


def test_why_swarm_does_not_run_a_copy_is_told_by_its_newest_try() -> None:
    waiting = swarm.awaited(
        [wish("u1"), wish("u2", prepared=False)], [service("u1"), service("u2")]
    )
    assert list(waiting) == ["s-u1"]
    tries = [
        Task("s-u1", "pending", "no suitable node", "2026-01-02"),
        Task("s-u1", "rejected", "no such image", "2026-01-01"),
        Task("s-u1", "preparing", "", "2026-01-03"),
        Task("s-u2", "pending", "another's", "2026-01-04"),
    ]
    told = swarm.troubles(waiting, tries)
    assert told == [("hello", "Docker Swarm cannot run web.1 yet: no suitable node")]
    assert swarm.troubles(waiting, [Task("s-u1", "preparing", "", "2026-01-03")]) == []


# --- what a service is made of -----------------------------------------------------------


def test_the_container_carries_what_the_agents_own_would_and_who_made_it() -> None:
    made = container({"A": "1"})
    placement = placed().placement
    assert made["Labels"] == marks.labels_of(placement, "p1", Published(inside=5000, host=20001))
    assert made["Labels"]["deis.engine"] == "swarm"
    assert made["Env"] == marks.environment(placement, {"A": "1"}, "host-1")
    assert marks.copy_of("hello-v2-web-1-ab.1.xyz", made["Labels"]) == make_copy()


def test_the_service_is_bound_to_the_planners_host_and_to_the_port_that_it_has_taken() -> None:
    made = body(host="h-2")
    assert made["TaskTemplate"]["Placement"] == {"Constraints": ["node.hostname==h-2"]}
    assert made["EndpointSpec"]["Ports"] == [
        {"Protocol": "tcp", "TargetPort": 5000, "PublishedPort": 20001, "PublishMode": "host"}
    ]
    assert made["Mode"] == {"Replicated": {"Replicas": 1}}
    assert not {"UpdateConfig", "RollbackConfig"} & made.keys()


def test_a_copy_without_a_port_publishes_none() -> None:
    worker = swarm.wish_of(placed(copy=make_copy("worker")), Prepared("u1"))
    assert worker is not None
    assert "EndpointSpec" not in swarm.service(worker, {}, "p1", EPOCH)


def test_limits_are_reserved_and_shares_limit_nothing() -> None:
    found = body(memory=1 << 28, cpu=512, pids=64)["TaskTemplate"]["Resources"]
    assert found["Limits"] == {"MemoryBytes": 1 << 28, "Pids": 64}
    assert found["Reservations"] == {"MemoryBytes": 1 << 28, "NanoCPUs": 500_000_000}


def test_the_copys_own_grace_and_command_go_along() -> None:
    made = container(grace=2.5, command=("/bin/sh", "-c", "x"), entrypoint=("/init",))
    assert made["StopGracePeriod"] == 2_500_000_000
    assert (made["Command"], made["Args"]) == (["/init"], ["/bin/sh", "-c", "x"])
    assert not {"Command", "Args"} & container(command=None).keys()


def test_swarm_ends_no_copy_for_a_check_that_does_not_count() -> None:
    off = {"Test": ["NONE"]}
    assert "Healthcheck" not in container()
    assert container(health=HealthCheck("/healthz"))["Healthcheck"] == off
    assert container(copy=make_copy("worker"))["Healthcheck"] == off


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("plain } {", "plain } {"),
        ("a{{.Node.ID}}b", 'a{{"{{"}}.Node.ID}}b'),
        ("{{{", '{{"{{"}}{'),
    ],
)
def test_no_users_value_is_taken_for_a_template(value: str, sent: str) -> None:
    assert f"A={sent}" in container({"A": value})["Env"]


@given(st.integers(1, 9), st.text("abcXYZ019_-", min_size=1, max_size=64))
def test_every_copy_has_a_name_that_swarm_takes_and_that_is_its_own(
    generation: int, kind: str
) -> None:
    copy = make_copy(kind, generation=generation, app="a" * 60)
    name = swarm.service_name("p1", copy.container)
    assert re.fullmatch(r"[a-z0-9](-?[a-z0-9])*", name)
    assert len(name) <= 63
    assert name != swarm.service_name("p1", copy.next_generation().container)
    assert name != swarm.service_name("p2", copy.container)

"""What the cluster is told of a copy, and how urgently."""

from dataclasses import replace
from typing import Any

from deis_node.cluster.records import Endpoint, LastExit, Phase, PlacementState
from deis_node.containers.copies import CopyView
from deis_node.docker.model import Health
from deis_node.publisher import plan
from deis_node.publisher.plan import Held, Verdict, Wanted
from tests.builders import make_copy, make_instance, make_placement, make_view

READY = Verdict("c1@t1", ready=True)


def records(view: CopyView | None = None, verdict: Verdict | None = READY) -> Wanted:
    view = view or make_view()
    assert view.placement is not None
    return plan.wanted(view, view.placement, verdict, "h1", None)


def held(want: Wanted, **facts: Any) -> Held:
    endpoint = None if want.endpoint is None else want.endpoint.to_bytes()
    return Held(
        **{"epoch": 1, "revision": 7, "instance": want.instance.to_bytes(), "endpoint": endpoint}
        | facts
    )


def test_a_ready_copy_has_an_endpoint() -> None:
    want = records()
    assert want.endpoint == Endpoint("10.0.0.1:20000", "h1", 2, 1)
    assert want.instance == make_instance()


def test_a_withdrawn_copy_has_none_and_stays_ready() -> None:
    withdrawn = make_view(placement=make_placement(state=PlacementState.WITHDRAW))
    want = records(withdrawn)
    assert want.endpoint is None
    assert want.instance.ready


def test_another_run_of_the_container_is_not_ready_by_the_last_ones_verdict() -> None:
    want = records(make_view(run="c1@t2"))
    assert (want.endpoint, want.instance.ready) == (None, False)


def test_a_worker_is_ready_without_an_endpoint() -> None:
    worker = make_view(name=make_copy(type="worker"), public=None, address=None)
    want = records(worker)
    assert (want.endpoint, want.instance.ready) == (None, True)


def test_counts_go_on_where_a_former_agent_left_them() -> None:
    before = make_instance(restarts=4, last_exit=LastExit(code=3))
    view = make_view(restarts=1)
    assert view.placement is not None
    want = plan.wanted(view, view.placement, READY, "h1", before)
    assert (want.instance.restarts, want.instance.last_exit) == (5, LastExit(code=3))


def test_nothing_differs_when_etcd_holds_what_it_shall() -> None:
    want = records()
    assert not plan.differs(held(want), want)


def test_a_missing_endpoint_hurries() -> None:
    want = records()
    bare = held(want, endpoint=None)
    assert plan.differs(bare, want)
    assert plan.hurries(bare, want)


def test_a_copy_that_died_hurries() -> None:
    before = held(records())
    assert plan.hurries(before, records(make_view(run=None, phase=Phase.BACKOFF)))


def test_the_first_exit_hurries_and_the_next_ones_do_not() -> None:
    down = {"run": None, "phase": Phase.BACKOFF}
    none = records(make_view(**down))
    first = records(make_view(**down, last_exit=LastExit(code=1), restarts=1))
    second = records(make_view(**down, last_exit=LastExit(code=2), restarts=2))
    assert plan.hurries(held(none), first)
    assert plan.differs(held(first), second)
    assert not plan.hurries(held(first), second)


def test_an_end_of_the_road_hurries() -> None:
    before = held(records(make_view(run=None, phase=Phase.PULLING)))
    assert plan.hurries(before, records(make_view(run=None, phase=Phase.FAILED)))


def test_another_hosts_endpoint_is_left_alone() -> None:
    want = records()
    other = Endpoint("10.0.0.2:20000", "h2", 2).to_bytes()
    assert plan.is_foreign(other, "h1")
    foreign = held(want, endpoint=other, foreign=True)
    assert not plan.differs(foreign, want)
    assert not plan.hurries(foreign, want)


def test_an_instance_keeps_to_its_bound_whatever_its_lines_hold() -> None:
    hostile = LastExit(code=1, lines=("first", "\x00" * 2000, "\x00" * 2000))
    made = plan.fitting(make_instance(last_exit=hostile))
    assert len(made.to_bytes()) <= plan.INSTANCE_LIMIT
    assert made.last_exit is not None
    assert made.last_exit.lines
    small = make_instance(last_exit=replace(hostile, lines=("a", "b")))
    assert plan.fitting(small) == small


def test_long_reasons_are_cut() -> None:
    want = records(make_view(error="x" * 5000))
    assert want.instance.error == "x" * plan.ERROR_LIMIT


def test_strangers_are_instances_that_nobody_follows() -> None:
    found = plan.strangers(
        {"hello_v2.web.1": b"", "hello_v2.web.2": b"", "odd": b""}, frozenset({"hello_v2.web.1"})
    )
    assert found == (make_copy(num=2),)


def test_a_copy_is_ready_when_its_images_own_check_says_so() -> None:
    def records_by(health: Health) -> Wanted:
        return records(verdict=plan.engines_verdict("c1@t1", health))

    assert records_by(Health.HEALTHY).endpoint is not None
    for health, words in ((Health.STARTING, "has not passed yet"), (Health.UNHEALTHY, "fails")):
        want = records_by(health)
        assert (want.endpoint, want.instance.ready) == (None, False)
        assert want.instance.error == f"the image's health check {words}"

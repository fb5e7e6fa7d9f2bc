"""When an operation fails, and that the old copies are never touched then."""

from dataclasses import replace
from typing import Any

import pytest

from deis_control.model import OpPhase
from deis_control.scheduler.plan import End, plan_app
from deis_control.scheduler.world import World
from deis_node.cluster.records import HealthCheck, Instance, Phase, Prepared
from tests.worlds import (
    make_copy,
    make_exit,
    make_host,
    make_instance,
    make_placed,
    make_route,
    make_target,
    make_world,
)

OLD = make_copy(release=1)
NEW = make_copy(release=2)
TARGET = make_target(NEW, fresh=True)


def world_with(instance: Instance | None, **changes: Any) -> World:
    """The old copy serves, the new one is as told."""
    seen = {NEW: instance} if instance is not None else {}
    placed = [make_placed(NEW)]
    fields: dict[str, Any] = {"serving": [OLD], "placed": placed, "seen": seen}
    fields["route"] = make_route(1)
    return make_world(TARGET, **fields | changes)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"code": 1}, "web.1 exited with code 1"),
        ({"code": 0}, "web.1 exited with code 0"),
        ({"code": 137, "signal": 9}, "web.1 was killed by signal 9"),
        ({"code": 137, "signal": 9, "oom": True}, "web.1 was killed by signal 9 (out of memory)"),
        ({"code": 1, "oom": True}, "web.1 exited with code 1 (out of memory)"),
    ],
)
def test_the_first_exit_fails_the_operation(how: dict[str, Any], words: str) -> None:
    exit_ = make_exit(**how)
    instance = make_instance(NEW, ready=False, phase=Phase.BACKOFF, last_exit=exit_)
    decision = plan_app(world_with(instance))
    assert (decision.end, decision.phase) == (End.FAILED, OpPhase.FAILED)
    assert (decision.steps, decision.sentence) == ((), words)


def test_the_last_log_lines_stand_below() -> None:
    last = make_exit(2, lines=("one", "two"))
    instance = make_instance(NEW, ready=False, last_exit=last)
    assert plan_app(world_with(instance)).sentence == "web.1 exited with code 2\none\ntwo"


def test_a_copy_that_came_back_after_an_exit_fails_all_the_same() -> None:
    decision = plan_app(world_with(make_instance(NEW, last_exit=make_exit(1))))
    assert decision.end is End.FAILED


def test_a_copy_that_could_not_be_started_fails_with_its_reason() -> None:
    error = "the image has no /bin/sh, which runs its Procfile commands"
    instance = make_instance(NEW, ready=False, phase=Phase.FAILED, error=error)
    assert plan_app(world_with(instance)).sentence == f"web.1 could not be started: {error}"


def test_a_copy_that_never_gets_healthy_fails_at_the_deadline() -> None:
    instance = make_instance(NEW, ready=False, error="GET /healthz answered 500")
    first = plan_app(world_with(instance))
    assert (first.end, first.wake) == (None, 1060)
    later = plan_app(world_with(instance, now=1060.0, timers=first.timers))
    assert later.end is End.FAILED
    words = "web.1 did not become healthy within 60 s: GET /healthz answered 500"
    assert later.sentence == words


def test_a_copy_that_docker_swarm_does_not_start_is_told_apart_from_one_that_is_not_healthy() -> (
    None
):
    ready = Prepared(make_placed(NEW).placement.uuid, port=20001, inside=5000)
    instance = make_instance(NEW, ready=False, phase=Phase.STARTING, prepared=ready)
    first = plan_app(world_with(instance))
    assert (first.phase, first.wake) == (OpPhase.STARTING, 1060)
    assert first.sentence == "web.1: to be started by Docker Swarm on host-1"
    later = plan_app(world_with(instance, now=1060.0, timers=first.timers))
    assert later.end is End.FAILED
    assert later.sentence == "web.1 was not started by Docker Swarm within 60 s"


def test_the_delay_of_the_health_check_is_added_to_the_deadline() -> None:
    slow = make_placed(NEW, health=HealthCheck("/", initial_delay=100))
    instance = make_instance(NEW, ready=False)
    decision = plan_app(world_with(instance, placed=[slow]))
    assert decision.wake == 1160


def test_the_time_that_a_worker_must_run_is_added_to_the_deadline() -> None:
    worker = make_copy("worker", release=2)
    slow = make_placed(worker, runs_for=120.0)
    seen = {worker: make_instance(worker, ready=False)}
    world = make_world(make_target(worker, fresh=True), placed=[slow], seen=seen)
    assert plan_app(world).wake == 1180


def test_an_end_that_the_platform_brought_about_is_told_by_its_reason() -> None:
    last = make_exit(137, signal=9, why="failed its liveness check /live", lines=("one",))
    instance = make_instance(NEW, ready=False, last_exit=last)
    words = "web.1 failed its liveness check /live\none"
    assert plan_app(world_with(instance)).sentence == words


def test_a_slow_pull_has_its_own_deadline() -> None:
    instance = make_instance(NEW, ready=False, phase=Phase.PULLING)
    first = plan_app(world_with(instance))
    assert first.wake == 2200
    later = plan_app(world_with(instance, now=2200.0, timers=first.timers))
    assert later.sentence == "web.1 did not get its image within 1200 s"


def test_the_deadline_starts_anew_when_the_pull_is_over() -> None:
    pulling = plan_app(world_with(make_instance(NEW, ready=False, phase=Phase.PULLING)))
    starting = make_instance(NEW, ready=False, phase=Phase.STARTING)
    decision = plan_app(world_with(starting, now=1500.0, timers=pulling.timers))
    assert (decision.end, decision.wake) == (None, 1560)


def test_a_host_that_takes_no_notice_fails_the_operation() -> None:
    first = plan_app(world_with(None))
    later = plan_app(world_with(None, now=1060.0, timers=first.timers))
    assert later.sentence == "web.1 was not taken up by host-1 within 60 s"


def test_a_copy_that_nobody_publishes_fails_the_operation() -> None:
    first = plan_app(world_with(make_instance(NEW)))
    later = plan_app(world_with(make_instance(NEW), now=1060.0, timers=first.timers))
    assert later.sentence == "web.1 was not published within 60 s"


def test_without_a_host_the_operation_fails_after_a_while() -> None:
    first = plan_app(make_world(TARGET, hosts=()))
    later = plan_app(make_world(TARGET, hosts=(), now=1060.0, timers=first.timers))
    assert (later.end, later.sentence) == (End.FAILED, "no host takes web.1: no host is alive")


def test_a_cancelled_operation_fails_before_the_switch() -> None:
    decision = plan_app(world_with(make_instance(NEW, ready=False), cancel=True))
    assert (decision.end, decision.sentence) == (End.FAILED, "the change was cancelled")


def test_after_the_switch_a_cancel_means_finish_forward() -> None:
    world = make_world(TARGET, serving=[OLD, NEW], route=make_route(2), cancel=True)
    assert plan_app(world).phase is OpPhase.RETIRING


def test_after_the_switch_an_exit_means_finish_forward() -> None:
    dead = make_instance(NEW, ready=False, last_exit=make_exit(1))
    world = make_world(
        TARGET, serving=[OLD], placed=[make_placed(NEW)], seen={NEW: dead}, route=make_route(2)
    )
    assert plan_app(world).phase is OpPhase.RETIRING


def test_an_old_exit_of_a_copy_that_stays_fails_no_scale() -> None:
    stays, more = make_copy(num=1), make_copy(num=2)
    target = make_target(stays, more, fresh=frozenset({more}))
    dead = make_instance(stays, ready=False, phase=Phase.CRASHED, last_exit=make_exit(1))
    world = make_world(
        target, serving=[more], placed=[make_placed(stays)], seen={stays: dead}, route=make_route(2)
    )
    assert plan_app(world).end is End.DONE


def test_without_a_host_of_the_kind_the_operation_fails_at_once() -> None:
    decision = plan_app(make_world(replace(TARGET, tags={"disk": "ssd"})))
    assert (decision.end, decision.sentence) == (
        End.FAILED,
        "no host takes web.1: host-1 is not tagged disk=ssd",
    )


def test_a_host_that_may_open_again_is_waited_for() -> None:
    hosts = (make_host(cordoned=True),)
    first = plan_app(make_world(TARGET, hosts=hosts))
    later = plan_app(make_world(TARGET, hosts=hosts, now=1060.0, timers=first.timers))
    assert (first.end, first.sentence) == (None, "no host takes web.1: host-1 is cordoned")
    assert later.end is End.FAILED


def test_at_rest_a_host_of_the_kind_is_waited_for() -> None:
    rest = make_target(NEW, tags={"disk": "ssd"})
    decision = plan_app(make_world(rest))
    assert decision.end is None
    assert decision.sentence == "no host takes web.1: host-1 is not tagged disk=ssd"

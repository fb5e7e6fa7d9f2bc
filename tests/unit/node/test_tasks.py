"""Supervision of tasks."""

import asyncio

import pytest
from structlog.testing import capture_logs

from deis_node.runtime.tasks import Tasks, forever, spawn
from tests.fixtures.waiting import eventually


async def nothing() -> None:
    """A task that ends at once."""


async def hang() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ValueError("broken")


async def stubborn(until: asyncio.Event) -> None:
    while not until.is_set():
        try:
            await until.wait()
        except asyncio.CancelledError:
            continue


async def test_a_loop_survives_errors_and_returns() -> None:
    calls = 0

    async def body() -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise ValueError("broken")

    with capture_logs() as logs:
        async with Tasks() as tasks:
            tasks.start("loop", forever("loop", body, initial=0.001, maximum=0.002))
            await eventually(lambda: calls >= 4)
    assert [entry["event"] for entry in logs[:2]] == ["loop failed", "loop ended unexpectedly"]
    assert {entry["task"] for entry in logs} == {"loop"}


async def test_a_loop_ends_when_cancelled() -> None:
    async with asyncio.TaskGroup() as group:
        task = spawn(group, "loop", forever("loop", hang))
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()


async def test_a_spawned_task_has_its_name() -> None:
    async with asyncio.TaskGroup() as group:
        assert spawn(group, "x", nothing()).get_name() == "x"


async def test_leaving_ends_all_tasks() -> None:
    async with Tasks() as tasks:
        started = [tasks.start(name, hang()) for name in "ab"]
        assert tasks.names == ("a", "b")
    assert all(task.cancelled() for task in started)
    assert tasks.names == ()


async def test_a_task_that_ended_is_forgotten() -> None:
    async with Tasks() as tasks:
        await tasks.start("a", nothing())
        await eventually(lambda: "a" not in tasks)
        tasks.start("a", nothing())


async def test_a_name_is_given_once_at_a_time() -> None:
    async with Tasks() as tasks:
        tasks.start("a", hang())
        with pytest.raises(ValueError, match="running already"):
            tasks.start("a", hang())


async def test_a_failure_is_logged_with_its_name_and_ends_nobody_else() -> None:
    with capture_logs() as logs:
        async with Tasks() as tasks:
            other = tasks.start("other", hang())
            tasks.start("bad", fail())
            await eventually(lambda: "bad" not in tasks)
            assert not other.done()
    assert [(entry["task"], entry["error"]) for entry in logs] == [("bad", "broken")]


async def test_one_task_is_ended_alone() -> None:
    async with Tasks() as tasks:
        tasks.start("a", hang())
        tasks.start("b", hang())
        assert await tasks.end("a", 1)
        assert tasks.names == ("b",)


async def test_cancelling_nobody_is_told() -> None:
    async with Tasks() as tasks:
        assert not tasks.cancel("a")
        assert await tasks.end("a", 1)


async def test_who_hangs_is_named() -> None:
    release = asyncio.Event()
    tasks = Tasks()
    tasks.start("stubborn", stubborn(release))
    tasks.start("meek", hang())
    await asyncio.sleep(0)
    with capture_logs() as logs:
        assert not await tasks.stop(0.05)
    assert logs[0]["tasks"] == ["stubborn"]
    release.set()
    assert await tasks.stop(1)

"""Logs that a logger was not there to delete."""

from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from deis_control.logger.debts import pay
from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.frames import Frame, LogLine, encode
from deis_node.cluster.framing import counted
from deis_node.runtime.tasks import Tasks
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.logger import RunningLogger, connected
from tests.fixtures.waiting import eventually

OWED = keys.log_deleted("control-1", "hello")


@pytest.fixture
async def filled(logger: RunningLogger) -> RunningLogger:
    """A logger with a line of an app."""
    async with connected(logger.settings.tcp) as sender:
        line = LogLine("hello", "web.1", "2026-11-23T02:16:00.000000Z", "line")
        sender.send(counted(encode(Frame(line, "node-1", "s", 1))))
        await sender.acknowledges(1)
    return logger


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    async with Tasks() as running:
        yield running


async def paid(etcd: Etcd) -> bool:
    return await etcd.get(OWED) is None


async def test_a_logger_that_is_back_deletes_what_it_was_asked_to(
    etcd: Etcd, filled: RunningLogger, tasks: Tasks
) -> None:
    others = keys.log_deleted("control-2", "hello")
    await etcd.put(OWED, b"")
    await etcd.put(others, b"")
    tasks.start("pay", pay(etcd, "control-1", filled.server))
    await eventually(lambda: paid(etcd))
    assert await filled.lines() == []
    assert await etcd.get(others) is not None


async def test_one_that_is_asked_while_it_runs_does_so_at_once(
    etcd: Etcd, etcd_server: EtcdMember, filled: RunningLogger, tasks: Tasks
) -> None:
    tasks.start("pay", pay(etcd, "control-1", filled.server))
    assert await filled.lines() != []
    await etcd.put(keys.log_deleted("control-1", "../hello"), b"")
    await etcd.put(OWED, b"")
    await eventually(lambda: paid(etcd))
    assert await filled.lines() == []


async def test_a_folder_that_takes_no_deletion_is_tried_again_until_it_does(
    etcd: Etcd, filled: RunningLogger, tasks: Tasks
) -> None:
    file, aside = filled.directory / "hello.log", filled.directory / "aside"
    file.rename(aside)
    file.mkdir()  # What is a folder cannot be deleted as a file, not even by root.
    await etcd.put(OWED, b"")
    with capture_logs() as logs:
        tasks.start("pay", pay(etcd, "control-1", filled.server))
        await eventually(lambda: refused(logs) > 1)
    assert not await paid(etcd)
    file.rmdir()
    aside.rename(file)
    await eventually(lambda: paid(etcd))
    assert await filled.lines() == []


def refused(logs: list[MutableMapping[str, Any]]) -> int:
    return sum(entry["event"] == "a log's deletion is not confirmed" for entry in logs)

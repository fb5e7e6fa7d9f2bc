"""Running a process: signals, exit status, logging, notification, metrics."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from deis_node.runtime import logs, metrics
from deis_node.runtime.notify import notify

PROGRAM = """
import asyncio, sys
from deis_node.runtime import logs
from deis_node.runtime.errors import DeisError
from deis_node.runtime.process import run

async def main(stop):
    print("up", flush=True)
    {body}

logs.configure(json=True)
sys.exit(run(main, uvloop={uvloop}))
"""


def program(body: str, *, uvloop: bool = True) -> "subprocess.Popen[bytes]":
    code = PROGRAM.format(body=body, uvloop=uvloop)
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finished(process: "subprocess.Popen[bytes]", *signals: int) -> tuple[int, str]:
    """The exit status and the log of a program that is up and gets these signals."""
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    for number in signals:
        process.send_signal(number)
    _, log = process.communicate(timeout=20)
    return process.returncode, log.decode()


@pytest.mark.parametrize("uvloop", [True, False])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_in_good_order(number: int, uvloop: bool) -> None:
    status, log = finished(program("await stop.wait(); return 3", uvloop=uvloop), number)
    assert status == 3
    assert json.loads(log.splitlines()[0])["event"] == "stopping"


def test_a_second_signal_leaves_at_once() -> None:
    process = program("await stop.wait(); print('up', flush=True); await asyncio.sleep(60)")
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGTERM)
    status, _ = finished(process, signal.SIGTERM)
    assert status == 128 + signal.SIGTERM


def test_our_errors_are_one_sentence() -> None:
    status, log = finished(program("raise DeisError('the port is taken')"))
    assert status == 1
    assert json.loads(log)["error"] == "the port is taken"
    assert "Traceback" not in log


def test_other_errors_have_a_traceback() -> None:
    status, log = finished(program("raise KeyError('x')"))
    assert status == 1
    assert "Traceback" in log


def test_no_result_is_success() -> None:
    assert finished(program("pass"))[0] == 0


@pytest.fixture
def logging_restored() -> "object":
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_restored")
def test_lines_of_libraries_have_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(json=True)
    with structlog.contextvars.bound_contextvars(app="hello"):
        structlog.get_logger().info("container started", host="h1")
        logging.getLogger("library").warning("careful: %s", 1)
        structlog.get_logger().debug("too quiet")
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["app"], ours["host"]) == ("container started", "hello", "h1")
    assert (theirs["event"], theirs["app"], theirs["level"]) == ("careful: 1", "hello", "warning")
    assert ours["timestamp"].endswith("Z")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="log level"):
        logs.configure(json=True, level="loud")


@pytest.mark.parametrize("abstract", [False, True])
def test_the_supervisor_is_notified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    address = f"@deis-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address.replace("@", "\0") if abstract else address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert notify("READY=1")
        assert supervisor.recv(100) == b"READY=1"


def test_without_a_supervisor_nobody_is_notified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")


def test_a_supervisor_that_is_gone_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify("READY=1")


def test_metrics_are_on_the_page() -> None:
    metrics.counter("deis_test_total", "Tests.", ["kind"]).labels("a").inc()
    page = metrics.page().decode()
    assert 'deis_test_total{kind="a"} 1.0' in page


def test_as_many_files_may_be_open_as_the_system_allows() -> None:
    code = PROGRAM.format(
        body="import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))", uvloop=False
    )
    shell = ["sh", "-c", 'ulimit -Sn 64; exec "$@"', "sh", sys.executable, "-c", code]
    said = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
    soft, hard = said.splitlines()[1].split()
    assert soft == hard

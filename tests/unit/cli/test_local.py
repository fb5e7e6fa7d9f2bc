"""The parts of a local platform that decide without starting anything."""

import os
import signal
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from deis_cli.deisctl.local import processes, supervisor
from deis_cli.deisctl.local.checks import check_port
from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.home import Choices, Home, choose, free_ports
from deis_cli.deisctl.local.provision import write_commands
from deis_cli.deisctl.local.settings_files import CONTROL_FILE, NODE_FILE, write_settings
from deis_cli.deisctl.local.up import Wishes, check_same


@pytest.fixture
def choices() -> Choices:
    return choose(http_port=8080, builder_port=2222, docker_host="", subnet="10.128.0.0/20")


def test_choices_are_kept(tmp_path: Path, choices: Choices) -> None:
    home = Home(tmp_path)
    assert home.load() is None
    home.save(choices)
    assert home.load() == choices
    assert home.choices_file.stat().st_mode & 0o077 == 0


def test_chosen_ports_are_all_different() -> None:
    ports = free_ports(9, avoid=set())
    assert len(set(ports)) == 9


def test_a_home_keeps_its_ports(choices: Choices) -> None:
    check_same(choices, Wishes(Path("/x"), http_port=8080))
    with pytest.raises(LocalError, match="--http-port 8080"):
        check_same(choices, Wishes(Path("/x"), http_port=8081))


def test_a_taken_port_is_refused_with_the_option_to_use() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LocalError, match="--http-port N"):
            check_port(taken.getsockname()[1], "--http-port")


def test_settings_hold_any_path_and_are_roots_alone(tmp_path: Path, choices: Choices) -> None:
    home = Home(tmp_path / 'odd "name" \\ here')
    home.make_folders()
    write_settings(home, choices)
    node = tomllib.loads((home.etc / NODE_FILE).read_text())
    control = tomllib.loads((home.etc / CONTROL_FILE).read_text())
    assert node["node"]["state_dir"] == str(home.data / "node")
    assert control["platform"]["router_port"] == 8080
    assert (home.etc / CONTROL_FILE).stat().st_mode & 0o077 == 0


def test_a_pid_file_never_names_a_stranger(tmp_path: Path) -> None:
    pid_file = tmp_path / "x.pid"
    me = processes.this_process()
    processes.write(pid_file, me)
    assert processes.read(pid_file) == me
    processes.write(pid_file, replace(me, started=me.started + 1))
    assert processes.read(pid_file) is None


def test_a_started_process_has_a_session_of_its_own_and_can_be_stopped(tmp_path: Path) -> None:
    process, child = processes.start(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        pid_file=tmp_path / "p.pid",
        log=tmp_path / "p.log",
        environ=os.environ,
        cwd=tmp_path,
    )
    assert os.getsid(process.pid) == process.pid
    assert process.stop(signal.SIGTERM, 10)
    assert isinstance(child, subprocess.Popen)
    child.wait()


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no-such-program"):
        processes.start(
            ["no-such-program"],
            pid_file=tmp_path / "p.pid",
            log=tmp_path / "p.log",
            environ=os.environ,
            cwd=tmp_path,
        )


def test_a_home_is_removed_whole(tmp_path: Path, choices: Choices) -> None:
    home = Home(tmp_path / "home")
    home.make_folders()
    home.save(choices)
    home.remove()
    assert not home.root.exists()


def test_what_lies_beside_a_home_is_left_alone(tmp_path: Path, choices: Choices) -> None:
    home = Home(tmp_path)
    home.make_folders()
    home.save(choices)
    (tmp_path / "mine").touch()
    home.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_was_never_a_home_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "mine").touch()
    with pytest.raises(LocalError, match="nothing was removed"):
        Home(tmp_path).remove()
    assert (tmp_path / "data").exists()


def test_a_log_that_grows_too_long_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOG_LIMIT", 10)
    log = tmp_path / "etcd.log"
    with log.open("a") as writer:
        writer.write("x" * 20)
        writer.flush()
        supervisor.trim(log)
        writer.write("y")
    assert log.read_text() == "y"
    assert (tmp_path / "etcd.log.1").read_text() == "x" * 20


def test_the_homes_own_deisctl_knows_its_home_and_its_etcd(
    tmp_path: Path, choices: Choices
) -> None:
    home, venv = Home(tmp_path / "a home"), tmp_path / "venv"
    home.make_folders()
    program = venv / "bin" / "deisctl"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$DEIS_LOCAL_HOME $DEISCTL_ENDPOINT $*"\n')
    program.chmod(0o755)
    write_commands(home, choices, venv)
    done = subprocess.run(
        [home.bin / "deisctl", "config", "router"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{home.root} http://127.0.0.1:{choices.etcd_port} config router\n"

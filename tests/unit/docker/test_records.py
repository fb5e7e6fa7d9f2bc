"""What the engine tells, as records."""

from typing import Any

import pytest

from deis_node.docker.errors import StartFailed, StartFault
from deis_node.docker.events import (
    ACTIONS,
    ContainerDied,
    ContainerHealth,
    ContainerStarted,
    action,
    parse,
)
from deis_node.docker.model import Health, State, container, container_info, engine_info, image_info


def event(action: str, **attributes: str) -> dict[str, Any]:
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"ID": "abc", "Attributes": {"name": "web", "image": "i", **attributes}},
        "timeNano": 1_500_000_000_500_000_000,
    }


def test_an_event_carries_labels_and_time() -> None:
    assert parse(event("start", **{"deis.app": "hello"})) == ContainerStarted(
        "abc", "web", {"deis.app": "hello"}, 1_500_000_000.5
    )


def test_a_death_carries_its_exit_code() -> None:
    died = parse(event("die", exitCode="137"))
    assert died == ContainerDied("abc", "web", {}, 1_500_000_000.5, exit_code=137)


@pytest.mark.parametrize("status", ["healthy", "unhealthy", "starting"])
def test_another_result_of_a_health_check_is_told(status: str) -> None:
    found = parse(event(f"health_status: {status}"))
    assert found == ContainerHealth("abc", "web", {}, 1_500_000_000.5)


@pytest.mark.parametrize("word", ["exec_die", "exec_create: sh", "attach", "kill", "rename"])
def test_other_events_are_not_told(word: str) -> None:
    assert parse(event(word)) is None


@pytest.mark.parametrize("word", ACTIONS)
def test_every_event_that_is_asked_for_is_told_under_the_engines_word(word: str) -> None:
    found = parse(event(word))
    assert found is not None
    assert action(found) == word


def test_events_of_other_things_are_not_told() -> None:
    assert parse({"Type": "network", "Action": "start", "Actor": {"ID": "n"}}) is None
    assert parse({"Type": "container", "Action": "start"}) is None


def test_a_line_of_the_list_tells_the_exit_code_from_its_status() -> None:
    line = {"Id": "abc", "Names": ["/web"], "State": "exited", "Status": "Exited (3) 2 hours ago"}
    found = container(line)
    assert (found.name, found.state, found.exit_code) == ("web", State.EXITED, 3)


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("Up 3 seconds (healthy)", Health.HEALTHY),
        ("Up 2 minutes (unhealthy)", Health.UNHEALTHY),
        ("Up Less than a second (health: starting)", Health.STARTING),
        ("Up 3 seconds", None),
        ("Up 2 hours (Paused)", None),
    ],
)
def test_a_line_of_the_list_tells_the_health_in_its_status(
    status: str, health: Health | None
) -> None:
    line = {"Id": "abc", "Names": ["/web"], "State": "running", "Status": status}
    assert container(line).health is health


def test_a_state_of_later_engines_is_unknown() -> None:
    assert container({"Id": "abc", "State": "hibernating"}).state is State.UNKNOWN


def test_a_container_that_never_ran_has_no_times_and_no_address() -> None:
    networks = {"bridge": {"IPAddress": "172.17.0.2"}}
    found = container_info(
        {
            "Id": "abc",
            "State": {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z"},
            "NetworkSettings": {"Networks": networks},
        }
    )
    assert (found.started_at, found.finished_at, found.ip) == (None, None, None)


def test_an_image_without_config_has_no_ports_and_no_command() -> None:
    found = image_info({"Id": "sha256:1", "Config": {"Cmd": None, "ExposedPorts": None}})
    assert (found.exposed_ports, found.cmd, found.entrypoint) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('exec: "/bin/sh": stat /bin/sh: no such file or directory', StartFault.NO_EXECUTABLE),
        ('exec: "foo": executable file not found in $PATH', StartFault.NO_EXECUTABLE),
        ("Bind for 10.0.0.2:1 failed: port is already allocated", StartFault.PORT_TAKEN),
        ("listen tcp 10.0.0.2:1: bind: address already in use", StartFault.PORT_TAKEN),
        ("the runtime is on fire", StartFault.OTHER),
    ],
)
def test_why_a_container_did_not_start_is_told_from_the_text(text: str, fault: StartFault) -> None:
    assert StartFailed(text).fault is fault


@pytest.mark.parametrize(
    ("machine", "arch"),
    [("x86_64", "amd64"), ("aarch64", "arm64"), ("armv7l", "arm"), ("amd64", "amd64"), ("", "")],
)
def test_an_engine_tells_its_architecture_in_the_words_of_images(machine: str, arch: str) -> None:
    assert engine_info({"Architecture": machine}).arch == arch
    assert image_info({"Id": "sha256:1", "Architecture": arch}).arch == arch

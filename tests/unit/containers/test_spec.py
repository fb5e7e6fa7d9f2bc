"""The create body of a placement, and the engine's refusals as sentences."""

from typing import Any

import pytest

from deis_node.containers import spec
from deis_node.containers.spec import Logging, Place
from deis_node.docker import marks
from deis_node.docker.marks import Published
from tests.builders import make_copy, make_placement

PLACE = Place(platform="p1", host="h1", address="10.0.0.1")


def make_body(port: Published | None = None, **facts: Any) -> dict[str, Any]:
    return spec.body(make_placement(**facts), {"A": "1"}, PLACE, port, Logging())


def test_the_users_values_never_override_the_platforms() -> None:
    users = {"DEIS_APP": "evil", "PATH": "/x", "DEIS_HOST": "", "MINE": "a=b\n'\"$`é🚀"}
    made = marks.environment(make_placement(generation=3), users, "h1")
    assert made == [
        "PATH=/x",
        "MINE=a=b\n'\"$`é🚀",
        "DEIS_APP=hello",
        "DEIS_RELEASE=v2",
        "DEIS_CONTAINER=hello_v2.web.1",
        "DEIS_HOST=h1",
    ]


@pytest.mark.parametrize(
    ("env", "exposed", "port"),
    [
        ({}, ((8080, "tcp"), (5000, "tcp"), (53, "udp")), 5000),
        ({"PORT": "9000"}, ((5000, "tcp"),), 9000),
        ({"PORT": "9000"}, (), 9000),
        ({"PORT": "web"}, ((5000, "tcp"),), 5000),
        ({"PORT": "0"}, (), None),
        ({"PORT": "65536"}, (), None),
        ({"PORT": "9" * 5000}, (), None),
        ({"PORT": "٣"}, (), None),
        ({}, ((53, "udp"),), None),
        ({}, (), None),
    ],
)
def test_the_users_port_goes_before_the_lowest_exposed_one(
    env: dict[str, str], exposed: tuple[tuple[int, str], ...], port: int | None
) -> None:
    assert spec.container_port(make_copy(), env, exposed) == port


def test_a_copy_that_is_not_routable_has_no_port() -> None:
    assert spec.container_port(make_copy(type="worker"), {"PORT": "80"}, ((80, "tcp"),)) is None


def test_the_engine_never_restarts_a_container_itself() -> None:
    assert make_body()["HostConfig"]["RestartPolicy"] == {"Name": "no"}


def test_a_port_is_bound_to_the_hosts_address_and_told_in_a_label() -> None:
    body = make_body(Published(inside=5000, host=20001))
    assert body["HostConfig"]["PortBindings"] == {
        "5000/tcp": [{"HostIp": "10.0.0.1", "HostPort": "20001"}]
    }
    assert marks.published(body["Labels"]) == Published(inside=5000, host=20001)
    assert marks.published(make_body()["Labels"]) is None


def test_limits_are_passed_as_docker_wants_them() -> None:
    host = make_body(memory=1 << 20, cpu=512, pids=64)["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["CpuShares"]) == (1 << 20, -1, 512)
    assert host["PidsLimit"] == 64
    limits = {"Memory", "MemorySwap", "CpuShares", "PidsLimit"}
    assert not limits & make_body(cpu=0)["HostConfig"].keys()


def test_no_command_leaves_the_images_own() -> None:
    assert make_body()["Cmd"] == ["/bin/sh", "-c", "serve"]
    assert "Cmd" not in make_body(command=None)


def test_an_entry_point_takes_the_place_of_the_images_own() -> None:
    assert "Entrypoint" not in make_body()
    assert make_body(entrypoint=("/runner/init",))["Entrypoint"] == ["/runner/init"]


def test_only_a_one_off_command_is_labelled_with_its_uuid() -> None:
    assert "deis.run" not in make_body()["Labels"]
    assert make_body(type="run", uuid="u1")["Labels"]["deis.run"] == "u1"


def test_a_container_is_known_by_its_labels_and_its_name() -> None:
    placement = make_placement(generation=2)
    labels = spec.body(placement, {}, PLACE, None, Logging())["Labels"]
    assert marks.copy_of("hello_v2.web.1.g2", labels) == placement.copy
    assert marks.copy_of("hello_v2.web.1", labels) is None
    assert marks.copy_of("hello_v2.web.1.g2", {**labels, "deis.num": "x"}) is None
    assert marks.copy_of("hello_v2.web.1.g2", {}) is None


def test_the_fingerprint_is_about_what_runs_and_nothing_else() -> None:
    same = make_placement(grace=1, state="stop", uuid="x", why="the only host", pids=64)
    assert marks.fingerprint(same) == marks.fingerprint(make_placement())
    assert marks.fingerprint(make_placement(env="hello/2")) != marks.fingerprint(make_placement())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'OCI runtime create failed: exec: "/bin/sh": stat /bin/sh: no such file or directory',
            "the image has no /bin/sh, which runs its Procfile commands",
        ),
        (
            'exec: \\"serve\\": executable file not found in $PATH: unknown',
            "the image has no program serve",
        ),
        ("No command specified", "the image names no command, and the app names none for web"),
        ("boom", "the Docker Engine could not start the container: boom"),
    ],
)
def test_refusals_are_explained(text: str, sentence: str) -> None:
    assert spec.explain(text, make_placement()) == sentence


def test_last_lines_keep_to_their_bound() -> None:
    assert spec.last_lines(("a", "b")) == ("a", "b")
    assert spec.last_lines(("x" * 50, "y" * 50, "z" * 50), limit=110) == ("y" * 50, "z" * 50)
    (only,) = spec.last_lines(("é" * 5000,))
    assert len(only.encode()) <= 4096
    assert set(only) == {"é"}


@pytest.mark.parametrize(
    ("code", "signal", "oom", "sentence"),
    [
        (1, None, False, "web.1 exited with code 1"),
        (137, 9, False, "web.1 was ended by signal 9"),
        (137, 9, True, "web.1 ran out of memory"),
    ],
)
def test_an_exit_is_told_in_a_sentence(
    code: int, signal: int | None, oom: bool, sentence: str
) -> None:
    assert spec.exit_signal(code) == signal
    assert spec.exit_sentence("web.1", code, signal, oom) == sentence

"""`up` and `down` themselves: refusals, two homes, a given Docker Engine, down and up again."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deis_cli.deisctl.local.home import Choices, Home
from tests.fixtures.platform import (
    DEISCTL,
    PROJECT,
    SAMPLE,
    App,
    Platform,
    leftovers,
    poll,
    run,
    running_platform,
)
from tests.fixtures.ports import free_port

UP = str(PROJECT / "contrib" / "local" / "up")
DOWN = str(PROJECT / "contrib" / "local" / "down")


@pytest.fixture
def home() -> Iterator[Path]:
    """A place for a home that must not be made."""
    with tempfile.TemporaryDirectory(prefix="deis-no-home-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "home"
        yield path
        assert not path.exists()


def refused(argv: list[str]) -> str:
    """The one sentence of a refusal."""
    done = run(argv, timeout=60)
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_it_needs_root(home: Path) -> None:
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy.chmod(0o755)
        for name in ("up", "prepare.sh"):
            (copy / name).write_bytes((PROJECT / "contrib" / "local" / name).read_bytes())
        said = refused([*user, "bash", str(copy / "up"), "--home", str(home)])
    assert "sudo" in said


def test_it_needs_debian_12(home: Path) -> None:
    inside = 'mount --bind /dev/null /etc/os-release && exec "$0" --home "$1"'
    said = refused(["unshare", "--mount", "sh", "-c", inside, UP, str(home)])
    assert "Debian 12" in said


def test_it_needs_space(home: Path) -> None:
    inside = 'mount -t tmpfs -o size=64m tmpfs "$1" && exec "$0" --home "$1/home"'
    argv = ["unshare", "--mount", "sh", "-c", inside, UP, str(home.parent)]
    assert "3 GB" in refused(argv)


@pytest.mark.parametrize("option", ["--http-port", "--builder-port"])
def test_it_needs_free_ports(home: Path, platform: Platform, option: str) -> None:
    ports = {"--http-port": free_port(), "--builder-port": free_port()}
    ports[option] = platform.http_port
    options = [f"{name}={port}" for name, port in ports.items()]
    assert f"{option} N" in refused([UP, "--home", str(home), *options])


@pytest.mark.parametrize(
    "words", [["--nonsense"], ["--http-port"], ["--http-port", "x"], ["--home", "relative"]]
)
def test_wrong_options_are_named(words: list[str]) -> None:
    assert words[0] in refused([UP, *words])


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--http-port=9000", "--builder-port=9000"], "must differ"),
        (["--hosts=3", "--docker-host=unix:///nowhere"], "drop --docker-host"),
        (["--engine=swarm"], "add --hosts 3"),
        (["--engine=other"], "--engine must be native or swarm"),
        (["--hosts=0"], "--hosts"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_installed(
    home: Path, words: list[str], named: str
) -> None:
    assert named in refused([UP, "--home", str(home), *words])


def test_a_place_that_postgresql_cannot_reach_is_refused(home: Path) -> None:
    home.parent.chmod(0o700)
    assert "may be entered by its owner only" in refused([UP, "--home", str(home)])


def test_a_home_keeps_its_ports(platform: Platform) -> None:
    argv = [str(DEISCTL), "local", "up", "--home", str(platform.home), "--http-port", "1"]
    assert "--http-port" in refused(argv)


@pytest.mark.timeout(240)
def test_a_docker_engine_that_cannot_start_leaves_nothing_running() -> None:
    with tempfile.TemporaryDirectory(prefix="deis-home-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        inside = (
            'mount --bind /bin/false /usr/sbin/dockerd && exec "$0" local up --home "$1" "$2" "$3"'
        )
        argv = ["unshare", "--mount", "sh", "-c", inside, str(DEISCTL), folder]
        done = run(
            [*argv, f"--http-port={free_port()}", f"--builder-port={free_port()}"], timeout=200
        )
        assert done.returncode == 1
        assert "docker ends again and again" in done.stderr
        assert [line for line in leftovers(home) if line != folder] == []
        assert {path.name for path in home.iterdir()} == {"log"}, "another up may choose anew"


@pytest.mark.timeout(240)
def test_two_homes_never_touch_each_other(
    platform: Platform, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one is made through sudo: its user's folder is the caller's, whose own is not."""
    for name, value in {"HOME": str(tmp_path), "SUDO_UID": "65534", "SUDO_GID": "65534"}.items():
        monkeypatch.setenv(name, value)
    before, rules = app.get(), packet_filter()
    with running_platform("--no-sample") as other:
        assert {path.stat().st_uid for path in (other.home / "user").rglob("*")} == {65534}
        assert other.http_port != platform.http_port
        assert other.get(app.host)[0] == 404
        other.kill("deis-control")
    assert app.get() == before
    assert platform.get("hello.localhost")[0] == 200
    assert packet_filter() == rules
    assert list(tmp_path.iterdir()) == []


def packet_filter() -> list[str]:
    """The machine's own rules, without what they have counted."""
    lines = run(["iptables-save"]).stdout.splitlines()
    return [line.partition(" [")[0] for line in lines if not line.startswith("#")]


@pytest.mark.timeout(240)
def test_down_and_up_bring_everything_back() -> None:
    with running_platform() as platform:
        platform.deis("ps:scale", "web=3", "-a", "hello")
        platform.deis("config:set", "A=1", "-a", "hello")
        done = run([str(DEISCTL), "local", "down", "--home", str(platform.home)], timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert [line for line in leftovers(platform.home) if line != str(platform.home)] == []
        platform.up()
        assert platform.get("hello.localhost")[0] == 200
        names = [f"hello_v3.web.{number}" for number in (1, 2, 3)]
        poll(lambda: platform.containers("hello") == names, 30, "all copies")


@pytest.mark.timeout(240)
def test_a_given_engine_is_shared_with_strangers(platform: Platform) -> None:
    with guest(platform) as (_, up):
        done = run([*up, "--sample", str(SAMPLE)], timeout=200)
        # Its sample is called hello as well, and that name is taken in the shared engine.
        assert done.returncode == 1
        assert "its name is taken by a container that is not of this platform" in done.stdout


@pytest.mark.timeout(240)
def test_a_given_engine_runs_apps_as_one_of_our_own(platform: Platform, tmp_path: Path) -> None:
    with guest(platform) as (home, up):
        done = run([*up, "--no-sample", "--json"], timeout=200)
        assert done.returncode == 0, done.stdout + done.stderr
        facts = json.loads(done.stdout.splitlines()[-1])
        there = Platform(home, facts)
        inside = up[:2]

        def well(*argv: str) -> str:
            said = run([*inside, *argv], timeout=120, GIT_SSH_COMMAND=there.ssh_command())
            assert said.returncode == 0, said.stdout + said.stderr
            return said.stdout

        deis, copy = str(home / "bin" / "deis"), tmp_path / "guest"
        shutil.copytree(SAMPLE, copy)
        shutil.copy2("/bin/busybox", copy / "busybox")
        git = ["git", "-C", str(copy), "-c", "user.name=T", "-c", "user.email=t@localhost"]
        well(deis, "apps:create", "guest", "--no-remote")
        well(*git, "init", "-q", "-b", "master")
        well(*git, "add", "-A")
        well(*git, "commit", "-q", "-m", "first")
        well(*git, "push", f"ssh://git@127.0.0.1:{facts['builder_port']}/guest.git", "master")
        well(deis, "ps:scale", "web=2", "-a", "guest")
        host = ["--header", "Host: guest.localhost"]
        assert "v2" in well("busybox", "wget", "-q", "-O", "-", *host, facts["router"])
        label = f"label=deis.platform={chosen(home).platform_id}"
        names = platform.docker("ps", "--filter", label, "--format", "{{.Names}}").split()
        assert sorted(names) == ["guest_v2.web.1", "guest_v2.web.2"]


@contextmanager
def guest(platform: Platform) -> Iterator[tuple[Path, list[str]]]:
    """A home that is to use another platform's engine, and the `up` of it; it leaves all as it was.

    It runs in the engine's own network namespace, which is what a machine with Docker is like.
    """
    home = Path(tempfile.mkdtemp(prefix="deis-home-"))
    home.chmod(0o755)
    inside = ["nsenter", f"--net={engine_namespace(platform)}"]
    up = [*inside, str(DEISCTL), "local", "up", "--home", str(home)]
    up += ["--docker-host", platform.facts["docker_host"]]
    up += ["--http-port", str(free_port()), "--builder-port", str(free_port())]
    before = strangers(platform)
    try:
        yield home, up
    finally:
        gone = run([*inside, str(DEISCTL), "local", "down", "--home", str(home), "--purge"])
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert leftovers(home) == []
    assert strangers(platform) == before
    assert platform.get("hello.localhost")[0] == 200


def test_down_of_nothing_says_so(home: Path) -> None:
    done = run([DOWN, "--home", str(home)])
    assert done.returncode == 0
    assert "Nothing" in done.stdout + done.stderr


def test_down_help_and_up_help_name_the_options() -> None:
    for program, option in ((UP, "--docker-host"), (DOWN, "--purge")):
        done = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
        assert option in done.stdout


def chosen(home: Path) -> Choices:
    choices = Home(home).load()
    assert choices is not None
    return choices


def engine_namespace(platform: Platform) -> str:
    return os.fspath(Path("/run/netns") / f"deis-{chosen(platform.home).id}")


def strangers(platform: Platform) -> tuple[set[str], set[str]]:
    """All containers and images of the shared engine."""
    containers = platform.docker("ps", "--all", "--format", "{{.Names}}")
    images = platform.docker("images", "--format", "{{.Repository}}:{{.Tag}}")
    return set(containers.split()), set(images.split())

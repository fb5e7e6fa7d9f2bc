"""One-off commands on a whole platform, and what happens to them when parts of it are killed."""

import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fixtures.platform import App, Platform, poll

pytestmark = pytest.mark.long(100)


@dataclass
class Answer:
    """A response of the API, read."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def call(app: App, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Ask the platform's API, through the router, as the first user."""
    platform = app.platform
    connection = http.client.HTTPConnection("127.0.0.1", platform.http_port, timeout=200)
    try:
        sent = {"Host": "deis.localhost", "Authorization": f"token {token(platform)}"} | headers
        data = None if body is None else json.dumps(body)
        sent |= {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, f"/v1/apps/{app.name}{path}", body=data, headers=sent)
        found = connection.getresponse()
        return Answer(found.status, dict(found.getheaders()), found.read().decode())
    finally:
        connection.close()


def token(platform: Platform) -> str:
    (profile,) = (platform.home / "user").rglob("client.json")
    return str(json.loads(profile.read_text())["token"])


def run(app: App, command: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    answer = call(app, "POST", "/run", {"command": command})
    assert answer.status == 200, answer.text
    code, output = answer.json
    return code, output


def begin(app: App, command: str) -> int:
    """Start a command without waiting for it; its number."""
    answer = call(app, "POST", "/run", {"command": command}, Prefer="respond-async")
    assert answer.status == 202, answer.text
    return int(answer.json["num"])


def show(app: App, num: int) -> Any:
    return call(app, "GET", f"/runs/{num}/").json


def ended(app: App, num: int, timeout: float = 90) -> Any:
    """The command once it has ended; the API may be away meanwhile."""
    found: list[Any] = []

    def over() -> bool:
        try:
            answer = call(app, "GET", f"/runs/{num}/")
        except (OSError, http.client.HTTPException):
            return False
        if answer.status == 200 and answer.json["state"] in ("done", "failed"):
            found.append(answer.json)
        return bool(found)

    poll(over, timeout, f"run.{num} ended")
    return found[0]


def runs(app: App) -> bool:
    """Whether a one-off command's container runs."""
    return any(".run." in name for name in app.platform.containers(app.name))


def nothing_is_left(app: App) -> None:
    platform = app.platform
    label = ("--filter", f"label=deis.app={app.name}", "--filter", "label=deis.type=run")

    def gone() -> bool:
        keys = platform.etcd("/deis/placements/") | platform.etcd("/deis/instances/")
        return (
            not platform.docker("ps", "-aq", *label).split()
            and not any(f"/{app.name}_" in key and ".run." in key for key in keys)
            and not platform.etcd(f"/deis/runs/{app.name}/")
        )

    poll(gone, 60, "nothing is left of the commands")


def test_exit_code_and_output_are_the_commands_own(app: App) -> None:
    releases = app.releases()
    answer = call(app, "POST", "/run", {"command": "printf 'one\\n\\ntwo'; exit 3"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.json == [3, "one\n\ntwo"]
    code, output = run(app, "echo one; echo two >&2")
    assert (code, sorted(output.splitlines(keepends=True))) == (0, ["one\n", "two\n"])
    nothing_is_left(app)
    assert app.releases() == releases
    assert app.get()[0] == 200


def test_a_command_arrives_unchanged_and_sees_the_config(app: App) -> None:
    app.platform.deis("config:set", "GREETING=it's $HOME", "-a", app.name)
    command = (
        'printf \'%s|\' "$GREETING" "$DEIS_APP" "$DEIS_RELEASE" \'a"b\' \'$x \\ `y`\'\nprintf ü'
    )
    assert run(app, command) == (0, f"it's $HOME|{app.name}|v3|a\"b|$x \\ `y`|ü")


def test_it_is_told_in_the_apps_log_and_so_is_what_it_wrote(app: App) -> None:
    assert run(app, "echo spoken") == (0, "spoken\n")

    def told() -> bool:
        lines = app.platform.deis("logs", "-a", app.name).stdout
        event = f"{app.name}[deis-controller]: admin runs 'echo spoken'"
        return event in lines and f"{app.name}[run.1]: spoken" in lines

    poll(told, 20, "both lines")


def test_numbers_count_on_and_commands_are_listed(app: App) -> None:
    assert run(app, "exit 1") == (1, "")
    num = begin(app, "echo later; exec sleep 3")
    assert num == 2
    poll(lambda: runs(app), 30, "it runs")
    listed = call(app, "GET", "/containers/run/").json["results"]
    assert [(item["type"], item["num"], item["release"]) for item in listed] == [("run", 2, "v2")]
    assert call(app, "GET", "/containers/").json["count"] == 1
    found = ended(app, num)
    assert (found["state"], found["exit_code"], found["output"]) == ("done", 0, "later\n")
    assert (found["actor"], found["release"]) == ("admin", 2)
    assert [item["num"] for item in call(app, "GET", "/runs/").json["results"]] == [2, 1]
    nothing_is_left(app)


def test_a_deploy_goes_on_beside_a_command(app: App) -> None:
    num = begin(app, "echo $DEIS_RELEASE; exec sleep 15")
    poll(lambda: runs(app), 30, "it runs")
    app.deploy("beside it")
    assert show(app, num)["state"] == "running"
    found = ended(app, num)
    assert (found["exit_code"], found["output"]) == (0, "v2\n")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", ["deis-node", "deis-control", "etcd", "postgres", "docker"])
def test_a_kill_during_a_command_does_not_change_its_result(kept_app: App, part: str) -> None:
    platform = kept_app.platform
    num = begin(kept_app, "cat /proc/sys/kernel/random/uuid; sleep 5; echo end; exit 4")
    poll(lambda: runs(kept_app), 30, "it runs")
    old = platform.kill(part)
    platform.recovered(part, old)
    found = ended(kept_app, num)
    assert (found["state"], found["exit_code"], found["reason"]) == ("done", 4, "")
    once, end = found["output"].splitlines()
    assert len(once) == 36
    assert end == "end"
    nothing_is_left(kept_app)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", ["deis-node", "deis-control"])
@pytest.mark.parametrize("delay", [0.0, 0.15, 0.3, 0.6])
def test_a_kill_around_a_commands_start_runs_it_once_or_says_why_not(
    kept_app: App, part: str, delay: float
) -> None:
    platform = kept_app.platform
    num = begin(kept_app, "echo once")
    time.sleep(delay)
    old = platform.kill(part)
    platform.recovered(part, old)
    found = ended(kept_app, num)
    if found["state"] == "done":
        assert (found["exit_code"], found["output"]) == (0, "once\n")
    else:
        assert "not known" in found["reason"]
    nothing_is_left(kept_app)


def test_a_client_that_waits_gets_its_answer_though_the_agent_is_killed(kept_app: App) -> None:
    answers: list[tuple[int, str]] = []
    waiting = threading.Thread(target=lambda: answers.append(run(kept_app, "sleep 4; echo there")))
    waiting.start()
    poll(lambda: runs(kept_app), 30, "it runs")
    old = kept_app.platform.kill("deis-node")
    kept_app.platform.recovered("deis-node", old)
    waiting.join(60)
    assert answers == [(0, "there\n")]


def test_a_container_that_is_removed_by_somebody_fails_with_the_reason(kept_app: App) -> None:
    num = begin(kept_app, "exec sleep 60")
    poll(lambda: runs(kept_app), 30, "it runs")
    (name,) = [name for name in kept_app.platform.containers(kept_app.name) if ".run." in name]
    kept_app.platform.docker("rm", "-f", name)
    found = ended(kept_app, num)
    assert (found["state"], found["exit_code"]) == ("failed", None)
    assert found["reason"] == f"run.{num}: its container is gone from the host"
    nothing_is_left(kept_app)


def test_a_destroyed_app_takes_its_commands_with_it(platform: Platform) -> None:
    app = platform.create()
    app.deploy()
    begin(app, "trap 'exit 1' TERM; while :; do sleep 1; done")
    poll(lambda: runs(app), 30, "it runs")
    app.destroy()
    nothing_is_left(app)

"""Fifty clients change one app at once, without waiting for each other; and the controller is
killed again and again meanwhile. What comes of it is what the successful changes say, in their
order."""

import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from tests.fixtures.http_client import Controller
from tests.fixtures.platform import App, poll

CLIENTS = 50
KILLS = 30
GOES_BACK = 25
"""The client that rolls back."""

SEED = int(os.environ.get("DEIS_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
ASYNC = {"Prefer": "respond-async"}


@dataclass(frozen=True)
class State:
    """What an app is: the fold of its changes."""

    web: int = 1
    values: frozenset[str] = frozenset()
    """Names; each one's value is its own name in lower case."""
    build: str = ""


@dataclass
class Storm:
    """Many clients and one app."""

    app: App
    controller: Controller
    sha: str
    path: str = ""
    answers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.path = f"/v1/apps/{self.app.name}"

    def change(self, number: int, chance: random.Random) -> None:
        """One client's one change; one of them goes back, which cancels what waits just then."""
        changes: list[tuple[str, object]] = [
            ("/config/", {"values": {f"KEY_{number}": f"key_{number}"}}),
            ("/scale/", {"web": chance.randint(1, 2)}),
            ("/builds/", self.build("exec /app/serve")),
            ("/builds/", self.build("exit 3")),
        ]
        path, body = chance.choices(changes, weights=(8, 5, 4, 2))[0]
        if number == GOES_BACK:
            path, body = "/releases/rollback/", {"version": 2}
        status, _ = self.controller.call("POST", self.path + path, body, timeout=20, **ASYNC)
        self.answers.append(status)

    def build(self, web: str) -> dict[str, object]:
        """A deploy of the app's image with another command."""
        procfile = {"procfile": {"web": web}, "dockerfile": "true"}
        return {"image": self.app.name, "sha": self.sha, **procfile}

    def blow(self, seconds: float) -> list[threading.Thread]:
        """All clients, each at a random moment of so many seconds."""
        chance = random.Random(SEED)
        moments = [chance.uniform(0, seconds) for _ in range(CLIENTS)]
        seeds = [chance.randrange(1 << 30) for _ in range(CLIENTS)]

        def client(number: int) -> None:
            time.sleep(moments[number])
            self.change(number, random.Random(seeds[number]))

        threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads

    def over(self) -> bool:
        """Whether every accepted change has ended."""
        path = f"{self.path}/operations/?open=true"
        status, answer = self.controller.call("GET", path)
        return status == 200 and answer["count"] == 0


@pytest.fixture
def storm(app: App) -> Storm:
    sha = app.git("rev-parse", "HEAD").stdout.strip()[:8]
    made = Storm(app, Controller.of(app.platform), sha)
    status, answer = made.controller.call("POST", f"{made.path}/builds/", made.build("exit 3"))
    assert (status, "exited with code 3" in answer["detail"]) == (503, True), answer
    return made


@pytest.mark.timeout(600)
def test_fifty_clients_at_once(storm: Storm) -> None:
    for thread in storm.blow(seconds=1):
        thread.join()
    assert set(storm.answers) == {202}, f"seed {SEED}"
    poll(storm.over, 400, "all operations ended")
    check(storm)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_clients_while_the_controller_is_killed(storm: Storm) -> None:
    platform, chance = storm.app.platform, random.Random(SEED + 1)
    threads = storm.blow(seconds=60)
    for _ in range(KILLS):
        old = platform.kill("deis-control")
        poll(lambda old=old: platform.pid("deis-control") not in (0, old), 60, "restarted")  # type: ignore[misc]
        poll(lambda: storm.controller.call("GET", "/healthz")[0] == 200, 60, "answers")
        time.sleep(chance.uniform(0.2, 6))
    for thread in threads:
        thread.join()
    assert storm.answers.count(202) >= CLIENTS // 4, (SEED, storm.answers)
    poll(storm.over, 400, "all operations ended")
    check(storm)


def check(storm: Storm) -> None:
    """Numbers, end state and what runs."""
    operations = sorted(storm.controller.all(f"{storm.path}/operations/"), key=lambda op: op["seq"])
    told = f"seed {SEED}: {[(op['seq'], op['summary'], op['outcome']) for op in operations]}"
    assert [op["seq"] for op in operations] == list(range(1, len(operations) + 1)), told
    made = [op["release"] for op in operations if op["release"] is not None]
    assert sorted(made) == list(range(2, len(made) + 2)), told
    for number in made:
        status, _ = storm.controller.call("GET", f"{storm.path}/releases/v{number}/")
        assert status == 200, told
    assert {op["outcome"] for op in operations} >= {"done", "failed"}, told
    live = {release["version"] for release in storm.controller.all(f"{storm.path}/releases/")}
    won = {op["release"] for op in operations if op["release"] and op["outcome"] == "done"}
    assert live == won | {1}, told
    expected = fold(operations)
    _, config = storm.controller.call("GET", f"{storm.path}/config/")
    assert config["values"] == {key: key.lower() for key in expected.values}, told
    _, shown = storm.controller.call("GET", f"{storm.path}/")
    assert shown["structure"] == {"web": expected.web}, told
    poll(lambda: runs(storm.app, expected.web, max(live)), 90, f"containers as placed; {told}")


def fold(operations: list[dict[str, object]]) -> State:
    """What the successful changes make of an app, in their order."""
    state, releases = State(), {1: State()}
    for op in (op for op in operations if op["outcome"] == "done"):
        kind, _, rest = str(op["summary"]).partition(" ")
        steps: dict[str, Callable[[State, str], State]] = {
            "config:": lambda s, text: replace(s, values=s.values | {text.removeprefix("set ")}),
            "scale": lambda s, text: replace(s, web=int(text.removeprefix("web="))),
            "deploy": lambda s, text: replace(s, build=text),
        }
        if kind == "rollback":
            back = releases[int(rest.removeprefix("to v"))]
            state = replace(back, web=state.web)
        else:
            state = steps[kind](state, rest)
        if op["release"] is not None:
            releases[int(str(op["release"]))] = state
    return state


def runs(app: App, web: int, release: int) -> bool:
    """Labelled containers = placements = the formation of the live release."""
    platform = app.platform
    label = f"label=deis.app={app.name}"
    there = set(platform.docker("ps", "-a", "--filter", label, "--format", "{{.Names}}").split())
    placements = platform.etcd("/deis/placements/")
    placed = {key.rsplit("/", 1)[1]: value for key, value in placements.items()}
    mine = {name: value for name, value in placed.items() if value["app"] == app.name}
    formation = [(value["type"], value["release"]) for value in mine.values()]
    return there == set(mine) and formation == [("web", release)] * web

"""Copies that hang, fail or crash, and rollouts that meet them, with a load that never retries."""

from typing import Any

import pytest

from tests.fixtures.load import Load, wait_for
from tests.fixtures.platform import App, poll

pytestmark = [pytest.mark.long(80), pytest.mark.usefixtures("rests")]

EVERY_TEN_MS = 0.01
GET = ("GET", "GET")


def instance(app: App, container: str) -> dict[str, Any]:
    """What the copy's host says of it."""
    found = app.platform.etcd("/deis/instances/")
    return next((value for key, value in found.items() if key.endswith(f"/{container}")), {})


def explained(app: App, process: str) -> str:
    return app.platform.deis("ps:explain", process, "-a", app.name).stdout


def logs(app: App) -> str:
    """All that the app's log holds."""
    return app.platform.deis("logs", "-n", "1000000", "-a", app.name).stdout


def processes(app: App) -> dict[str, str]:
    """Process → state, as `deis ps` shows them."""
    listed = app.platform.deis("ps", "-a", app.name).stdout.splitlines()
    fields = [line.split() for line in listed if "(v" in line]
    return {words[0]: words[1] for words in fields}


def birth(app: App, container: str) -> str:
    """Another one for each container and each start of it."""
    return app.platform.docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", container)


def end(app: App, container: str) -> None:
    """Kill a copy; wait until it has started again, or will not soon."""
    born = birth(app, container)
    app.platform.docker("kill", container)

    def over() -> bool:
        return birth(app, container) != born or instance(app, container)["phase"] == "crashed"

    poll(over, 60, "it started again or crashed")


def test_a_copy_that_hangs_starts_again_without_a_failed_request(app: App) -> None:
    app.platform.deis("config:set", "HEALTHCHECK_LIVENESS_URL=/healthz", "-a", app.name)
    app.platform.deis("ps:scale", "web=2", "-a", app.name)
    hung = f"{app.name}_v3.web.1"

    def came_back() -> bool:
        seen = instance(app, hung)
        return seen.get("restarts") == 1 and seen.get("ready") is True

    with Load(app.platform.http_port, app.host, 0.05, methods=GET, timeout=60) as load:
        wait_for(load, 20)
        app.platform.docker("exec", hung, "/bin/sh", "-c", "kill -STOP $(pidof httpd)")
        poll(came_back, 60, "the copy that hung is ready again")
        wait_for(load, len(load.requests) + 50)
    assert load.failures == []
    why = "was ended after 3 failures in a row: liveness check /healthz does not answer within 1 s"
    assert f"it {why}" in explained(app, "web.1")
    assert f"[deis-node]: web.1 {why}; it starts again" in logs(app)


def test_an_images_own_health_check_decides_on_a_deploy(app: App) -> None:
    dockerfile = (app.copy / "Dockerfile").read_text()
    check = "HEALTHCHECK --interval=0.5s --retries=2 CMD test -e /app/{} || (echo no {}; exit 1)\n"
    app.write("Dockerfile", dockerfile + check.format("page", "page"))
    app.deploy("checked body")
    container = app.only_container()
    status = app.platform.docker("inspect", "-f", "{{.State.Health.Status}}", container)
    assert status == "healthy\n"
    app.write("Dockerfile", dockerfile + check.format("pages", "pages"))
    app.commit("never healthy")
    pushed = app.push(check=False)
    assert pushed.returncode != 0
    assert "web.1 was ended: the image's health check fails: no pages" in pushed.stderr
    assert "checked body" in app.body()


def test_a_worker_that_ends_within_a_second_fails_the_deploy(app: App) -> None:
    steady = "trap 'exit 0' TERM; while :; do sleep 1; done"
    app.write("Procfile", f"web: exec /app/serve\nworker: {steady}\n")
    app.deploy("with a worker")
    app.platform.deis("ps:scale", "worker=1", "-a", app.name)
    worker = f"{app.name}_v3.worker.1"
    before = birth(app, worker)
    app.write("Procfile", "web: exec /app/serve\nworker: sleep 0.5; echo all is lost; exit 7\n")
    app.commit("broken worker")
    pushed = app.push(check=False)
    assert pushed.returncode != 0
    assert "worker.1 exited with code 7" in pushed.stderr
    assert "all is lost" in pushed.stderr
    assert birth(app, worker) == before
    assert "with a worker" in app.body()


def test_the_first_copy_that_ends_ends_the_rollout_with_its_last_lines(app: App) -> None:
    app.platform.deis("ps:scale", "web=3", "-a", app.name)
    old = [f"{app.name}_v2.web.{number}" for number in (1, 2, 3)]
    before = [birth(app, container) for container in old]
    placed = app.platform.etcd("/deis/placements/")
    count = "i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i of 30; done"
    fails = f"case $DEIS_CONTAINER in *web.2) {count}; exit 3;; esac; exec /app/serve"
    app.write("Procfile", f"web: {fails}\n")
    app.commit("broken body")
    with Load(app.platform.http_port, app.host, EVERY_TEN_MS) as load:
        pushed = app.push(check=False)
    assert pushed.returncode != 0
    assert "web.2 exited with code 3" in pushed.stderr
    shown = [number for number in range(1, 31) if f"line {number} of 30" in pushed.stderr]
    assert shown == list(range(11, 31))
    assert load.failures == []
    assert not any("broken body" in item.body for item in load.requests)
    poll(lambda: app.platform.containers(app.name) == old, 60, "only the old copies")
    assert [birth(app, container) for container in old] == before
    mine = f"{app.name}_v2"
    now = app.platform.etcd("/deis/placements/")
    assert {key: now[key] for key in now if mine in key} == {
        key: placed[key] for key in placed if mine in key
    }


def test_a_crashed_copy_says_why_and_holds_up_no_change(app: App) -> None:
    app.platform.deis("ps:scale", "web=2", "-a", app.name)
    crashed = f"{app.name}_v2.web.2"
    while instance(app, crashed).get("phase") != "crashed":
        end(app, crashed)
    assert processes(app) == {"web.1": "up", "web.2": "crashed"}
    why = "web.2 was ended by signal 9, after 5 exits within 60 s; it is tried again every 60 s"
    assert why in explained(app, "web.2")
    assert f"[deis-node]: {why}" in logs(app)
    app.platform.deis("ps:scale", "web=3", "-a", app.name)
    assert processes(app)["web.3"] == "up"
    app.platform.deis("config:set", "A=1", "-a", app.name)
    assert processes(app) == {"web.1": "up", "web.2": "up", "web.3": "up"}


@pytest.fixture
def divided(app: App) -> App:
    """Four copies, whose changes come in two batches."""
    app.platform.deis("config:set", "DEIS_DEPLOY_BATCHES=2", "-a", app.name)
    app.platform.deis("ps:scale", "web=4", "-a", app.name)
    return app


def test_a_push_in_batches_costs_no_request(divided: App) -> None:
    app = divided
    with Load(app.platform.http_port, app.host, EVERY_TEN_MS) as load:
        wait_for(load, 100)
        app.commit("second body")
        said = app.push().stderr
        wait_for(load, len(load.requests) + 100)
    assert load.failures == []
    assert "batch 1 of 2: the routers shall serve v3 (2 of 4) and v4 (2 of 4)" in said
    assert "second body" in app.body()


def test_a_failure_in_the_last_batch_gives_all_requests_back(divided: App) -> None:
    app = divided
    old = [f"{app.name}_v3.web.{number}" for number in (1, 2, 3, 4)]
    poll(lambda: app.platform.containers(app.name) == old, 60, "the old copies")
    before = [birth(app, container) for container in old]
    fails = "case $DEIS_CONTAINER in *web.4) exit 3;; esac; exec /app/serve"
    app.write("Procfile", f"web: {fails}\n")
    app.commit("broken body")
    with Load(app.platform.http_port, app.host, EVERY_TEN_MS) as load:
        pushed = app.push(check=False)
        poll(lambda: app.platform.containers(app.name) == old, 60, "only the old copies")
        wait_for(load, len(load.requests) + 100)
    assert pushed.returncode != 0
    assert "web.4 exited with code 3" in pushed.stderr
    assert "traffic goes back to v3" in pushed.stderr
    assert load.failures == []
    assert any("broken body" in item.body for item in load.requests)
    assert not any("broken body" in app.body() for _ in range(50))
    assert [birth(app, container) for container in old] == before

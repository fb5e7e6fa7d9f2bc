"""An app that is stopped runs nothing, keeps its scale, and comes back with it."""

import pytest

from tests.fixtures.load import Load, wait_for
from tests.fixtures.platform import App, poll

pytestmark = pytest.mark.usefixtures("rests")


def steer(app: App, verb: str, kind: str = "") -> None:
    path = f"/v1/apps/{app.name}/containers/{kind}{verb}/"
    assert app.platform.api("POST", path) == (204, None)


def explained(app: App) -> dict[str, object]:
    status, found = app.platform.api("GET", f"/v1/apps/{app.name}/explain/")
    assert status == 200
    assert isinstance(found, dict)
    return found


def test_a_stopped_app_answers_503_and_comes_back_with_as_many_containers(app: App) -> None:
    app.platform.deis("ps:scale", "web=3", "-a", app.name)
    steer(app, "stop")
    assert app.get()[0] == 503
    poll(lambda: app.platform.containers(app.name) == [], 60, "no container")
    assert app.platform.etcd(f"/deis/services/{app.name}/") == {}
    found = explained(app)
    assert (found["structure"], found["stopped"]) == ({"web": 3}, ["web"])
    steer(app, "start")
    assert app.get()[0] == 200
    assert len(app.platform.containers(app.name)) == 3
    assert "started all processes" in app.platform.deis("logs", "-a", app.name).stdout


def test_a_deploy_of_a_stopped_app_starts_nothing_until_it_is_started(app: App) -> None:
    app.platform.deis("ps:scale", "web=2", "-a", app.name)
    steer(app, "stop", "web/")
    poll(lambda: app.platform.containers(app.name) == [], 60, "no container")
    app.commit("while stopped")
    app.push()
    app.platform.deis("config:set", "A=1", "-a", app.name)
    assert app.releases()[0][0] == "v4"
    assert app.get()[0] == 503
    assert app.platform.containers(app.name) == []
    steer(app, "start", "web/")
    names = [f"{app.name}_v4.web.{number}" for number in (1, 2)]
    assert app.platform.containers(app.name) == names
    assert "while stopped" in app.body()


def test_a_stopped_app_stays_so_over_the_death_of_controller_and_agent(app: App) -> None:
    steer(app, "stop")
    poll(lambda: app.platform.containers(app.name) == [], 60, "no container")
    for component in ("deis-control", "deis-node"):
        app.platform.recovered(component, app.platform.kill(component))
    assert app.get()[0] == 503
    assert app.platform.containers(app.name) == []
    steer(app, "start")
    assert app.get()[0] == 200


def test_a_stop_of_one_type_costs_another_no_request(app: App) -> None:
    procfile = (app.copy / "Procfile").read_text()
    works = "trap 'exit 0' TERM; while sleep 0.1; do :; done"
    app.write("Procfile", f"{procfile}worker: {works}\n")
    app.deploy("with a worker")
    app.platform.deis("ps:scale", "worker=2", "-a", app.name)
    with Load(app.platform.http_port, app.host, 0.01) as load:
        wait_for(load, 50)
        steer(app, "stop", "worker/")
        web = [f"{app.name}_v3.web.1"]
        poll(lambda: app.platform.containers(app.name) == web, 60, "no worker")
        steer(app, "start")
        wait_for(load, len(load.requests) + 50)
    assert load.failures == []
    assert len(app.platform.containers(app.name)) == 3


def test_it_is_explained_where_a_copy_runs_and_why(app: App) -> None:
    (process,) = explained(app)["processes"]  # type: ignore[misc, attr-defined]
    assert (process["process"], process["state"], process["ready"]) == ("web.1", "up", True)
    assert process["why"] == "the only host that fits"
    assert [process["container"]] == app.platform.containers(app.name)
    app.platform.docker("kill", process["container"])

    def told() -> bool:
        (found,) = explained(app)["processes"]  # type: ignore[misc, attr-defined]
        return found["state"] == "up" and found["restarts"] == 1

    poll(told, 60, "restarted")
    (process,) = explained(app)["processes"]  # type: ignore[misc, attr-defined]
    assert (process["last_exit"]["code"], process["last_exit"]["signal"]) == (137, 9)


def test_a_dry_run_changes_no_container(app: App) -> None:
    before = app.platform.docker("ps", "-q", "--no-trunc")
    revision = app.platform.etcd_revision()
    path = f"/v1/apps/{app.name}/containers/stop/?dry_run=true"
    status, foreseen = app.platform.api("POST", path)
    assert (status, foreseen["stop"]) == (200, [{"name": "web.1", "release": 2}])
    path = f"/v1/apps/{app.name}/builds/?dry_run=true"
    status, foreseen = app.platform.api("POST", path, {"image": "no.such.registry/image"})
    assert (status, foreseen["release"], foreseen["structure"]) == (200, 3, {"cmd": 1})
    assert app.platform.docker("ps", "-q", "--no-trunc") == before
    assert app.platform.etcd_revision() == revision
    assert app.get()[0] == 200

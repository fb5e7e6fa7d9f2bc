"""Pushes, config changes and rollbacks, with a load that never retries."""

import re
import time

from tests.fixtures.load import Load, wait_for
from tests.fixtures.platform import App, Platform, poll
from tests.fixtures.traffic import Push

EVERY_TEN_MS = 0.01


def test_a_push_replaces_the_app_without_a_failed_request(platform: Platform, app: App) -> None:
    with Load(platform.http_port, app.host, EVERY_TEN_MS) as load:
        wait_for(load, 100)
        with Push(app, "second body") as push:
            while "deployed to Deis" not in push.said and not push.ended:
                time.sleep(0.005)
            done = time.monotonic()
            assert push.result().returncode == 0
        wait_for(load, len(load.requests) + 200)
    assert load.failures == []
    after = load.started_after(done)
    assert len(after) >= 100
    assert all("second body" in item.body for item in after)


def test_releases_count_on_and_have_the_contracts_summaries(app: App) -> None:
    sha = app.git("rev-parse", "HEAD").stdout[:7]
    app.commit("second body")
    app.push()
    second = app.git("rev-parse", "HEAD").stdout[:7]
    app.platform.deis("config:set", "A=1", "-a", app.name)
    app.platform.deis("rollback", "v2", "-a", app.name)
    assert app.releases() == [
        ("v5", "admin rolled back to v2"),
        ("v4", "admin added A"),
        ("v3", f"admin deployed {second}"),
        ("v2", f"admin deployed {sha}"),
        ("v1", "admin created initial release"),
    ]
    assert "first" in app.body()


def test_config_reaches_the_container_and_says_its_release(app: App) -> None:
    said = app.platform.deis("config:set", "GREETING=hello world", "-a", app.name).stdout
    assert "done, v3" in said
    expected = {"GREETING": "hello world", "DEIS_RELEASE": "v3", "DEIS_APP": app.name}
    assert expected.items() <= app.environment().items()


def test_a_rollback_runs_the_old_image_again(app: App) -> None:
    before = app.platform.docker("inspect", "-f", "{{.Image}}", app.only_container())
    app.deploy("second body")
    app.platform.deis("rollback", "v2", "-a", app.name)
    after = app.platform.docker("inspect", "-f", "{{.Image}}", app.only_container())
    assert before == after


def test_a_push_whose_container_exits_is_refused_and_harms_nobody(app: App) -> None:
    container = app.only_container()
    app.write("Procfile", "web: echo going down; exit 3\n")
    app.commit("broken body")
    with Load(app.platform.http_port, app.host, EVERY_TEN_MS) as load:
        pushed = app.push(check=False)
    assert pushed.returncode != 0
    assert re.search(r"web\.1 exited with code 3", pushed.stderr)
    assert "going down" in pushed.stderr
    assert load.failures == []
    assert not any("broken body" in item.body for item in load.requests)
    poll(lambda: app.platform.containers(app.name) == [container], 30, "only the old copy")
    assert [version for version, _ in app.releases()] == ["v2", "v1"]


def test_the_number_of_a_failed_release_is_never_used_again(app: App) -> None:
    app.write("Procfile", "web: exit 3\n")
    app.commit("broken body")
    app.push(check=False)
    app.git("checkout", "-q", "HEAD~1", "--", "Procfile")
    app.deploy("mended body")
    assert app.releases()[0][0] == "v4"


def test_a_failed_push_leaves_the_ref_where_it_was(app: App) -> None:
    before = app.git("ls-remote", "deis", "refs/heads/master").stdout
    app.write("Procfile", "web: exit 3\n")
    app.commit("broken body")
    assert app.push(check=False).returncode != 0
    assert app.git("ls-remote", "deis", "refs/heads/master").stdout == before


def test_an_image_without_a_shell_is_refused_with_the_reason(app: App) -> None:
    app.write(
        "Dockerfile", 'FROM scratch\nCOPY busybox /bin/busybox\nEXPOSE 5000\nCMD ["/bin/busybox"]\n'
    )
    app.commit("no shell")
    pushed = app.push(check=False)
    assert pushed.returncode != 0
    assert "/bin/sh" in pushed.stderr


def test_the_pusher_sees_every_phase_and_the_closing_lines(app: App) -> None:
    app.commit("second body")
    said = app.push().stderr
    port = app.platform.http_port
    for line in (
        "-----> Building Docker image",
        "-----> Pushing image to private registry",
        "-----> Launching... ",
        f"done, {app.name}:v3 deployed to Deis",
        f"http://{app.name}.localhost:{port}",
        "To learn more, use `deis help` or visit http://deis.io",
    ):
        assert line in said


def test_what_a_failed_change_wanted_is_gone(app: App) -> None:
    app.write("Procfile", 'web: test "$MODE" != broken && exec /app/serve\n')
    app.deploy("second body")
    failed = app.platform.deis("config:set", "MODE=broken", "-a", app.name, check=False)
    assert failed.returncode == 1
    assert "503 SERVICE UNAVAILABLE" in failed.stderr
    assert "web.1 exited with code 1" in failed.stderr
    assert "MODE" not in app.platform.deis("config:list", "-a", app.name).stdout
    assert app.get()[0] == 200

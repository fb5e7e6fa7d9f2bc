"""What a newcomer finds after the first `up`."""

import json
import time
from typing import Any

import pytest

from tests.fixtures.platform import Platform, poll, request


def test_the_sample_answers_with_release_two(platform: Platform) -> None:
    status, body = platform.get("hello.localhost")
    assert status == 200
    assert "v2" in body
    assert "hello_v2.web.1" in body


def test_any_domain_behind_the_first_label_leads_to_the_app(platform: Platform) -> None:
    assert platform.get("hello.example.com")[0] == 200
    assert platform.get("HELLO.localhost:8080")[0] == 200
    assert platform.get("hello.localhost.")[0] == 200


def test_an_unknown_host_is_not_found(platform: Platform) -> None:
    status, body = platform.get("nobody.localhost")
    assert status == 404
    assert "404 Not Found" in body


def test_the_controller_answers_through_the_router(platform: Platform) -> None:
    assert platform.get("deis.localhost", "/healthz") == (200, "OK")


def test_the_app_answers_its_health_check(platform: Platform) -> None:
    assert platform.get("hello.localhost", "/healthz")[0] == 200


def test_the_log_shows_the_request_and_the_release(platform: Platform) -> None:
    mark = f"/mark-{time.monotonic_ns()}"
    platform.get("hello.localhost", mark)
    logs = lambda: platform.deis("logs", "-a", "hello").stdout  # noqa: E731
    poll(
        lambda: any(mark in line and "[web.1]" in line for line in logs().splitlines()), 10, "line"
    )
    assert any("deis-controller" in line and "deployed" in line for line in logs().splitlines())


def test_containers_are_exactly_the_placements(platform: Platform) -> None:
    label = "label=deis.platform"

    def match() -> bool:
        listed = platform.docker("ps", "-a", "--filter", label, "--format", "{{.Names}}")
        wanted = {key.rsplit("/", 1)[1] for key in platform.etcd("/deis/placements/")}
        return set(listed.split()) == wanted and "hello_v2.web.1" in wanted

    poll(match, 60, "containers are the placements")


def test_up_again_changes_nothing_and_is_quick(platform: Platform) -> None:
    first = platform.up()
    began = time.monotonic()
    second = platform.up()
    assert time.monotonic() - began < 50
    assert "already running" in second.stdout + second.stderr
    facts = json.loads(second.stdout.splitlines()[-1])
    assert facts == json.loads(first.stdout.splitlines()[-1])
    assert without_pids(facts) == without_pids(platform.facts)
    assert all(part["pid"] for part in facts["components"].values())


def without_pids(facts: dict[str, Any]) -> dict[str, Any]:
    parts = {name: part | {"pid": 0} for name, part in facts["components"].items()}
    return facts | {"components": parts}


def test_info_prints_the_address_with_the_port(platform: Platform) -> None:
    text = platform.deis("info", "-a", "hello").stdout
    assert f"hello.localhost:{platform.http_port}" in text


def test_a_request_without_an_app_gets_the_health_check(platform: Platform) -> None:
    assert request(platform.http_port, "GET", "127.0.0.1", "/health-check")[0] == 200


@pytest.mark.parametrize("name", ["local.json", "secrets", "etc"])
def test_what_holds_secrets_is_roots_alone(platform: Platform, name: str) -> None:
    assert (platform.home / name).stat().st_mode & 0o077 == 0

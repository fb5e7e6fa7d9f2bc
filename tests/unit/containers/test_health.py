"""When an image's own health check counts, and what is said of it."""

from typing import Any

import pytest

from deis_node.cluster.records import HealthCheck, Placement
from deis_node.containers.health import asked_health, unhealthy
from deis_node.docker.model import ContainerInfo, Health, container_info
from tests.builders import make_placement


def found(status: str | None, *outputs: str) -> ContainerInfo:
    """A running container as the engine tells of it."""
    state: dict[str, Any] = {"Status": "running"}
    if status is not None:
        log = [{"ExitCode": 1, "Output": output} for output in outputs]
        state["Health"] = {"Status": status, "FailingStreak": 3, "Log": log}
    return container_info({"Id": "c1", "State": state})


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("starting", Health.STARTING),
        ("healthy", Health.HEALTHY),
        ("unhealthy", Health.UNHEALTHY),
        ("none", None),
        (None, None),
    ],
)
def test_the_engines_word_counts_for_a_copy_that_requests_go_to(
    status: str | None, health: Health | None
) -> None:
    assert asked_health(found(status), make_placement()) is health


@pytest.mark.parametrize(
    "placement",
    [make_placement(health=HealthCheck("/healthz")), make_placement(type="worker"), None],
)
def test_it_counts_for_nobody_else(placement: Placement | None) -> None:
    assert asked_health(found("unhealthy"), placement) is None


def test_the_checks_last_output_is_told_in_short() -> None:
    assert unhealthy(found("unhealthy")) == "was ended: the image's health check fails"
    told = unhealthy(found("unhealthy", "first", f" last\n line {'x' * 1000}"))
    assert told.startswith("was ended: the image's health check fails: last line xxx")
    assert len(told) < 260

"""What is told of a container that ended."""

import pytest

from deis_node.cluster.records import LastExit
from deis_node.containers.exits import reason, seconds
from deis_node.containers.settings import RunnerSettings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-23T02:00:00.123456789Z", 1795399200.123456),
        ("2026-11-23T02:00:00.5Z", 1795399200.5),
        ("2026-11-23T02:00:00Z", 1795399200.0),
        (None, 0.0),
    ],
)
def test_the_engines_times_are_read(text: str | None, value: float) -> None:
    assert seconds(text) == value


def test_a_crash_says_when_it_is_tried_again() -> None:
    last = LastExit(code=2)
    assert reason("web.1", last, None) == "web.1 exited with code 2"
    assert reason("web.1", last, RunnerSettings()) == (
        "web.1 exited with code 2, after 5 exits within 60 s; it is tried again every 60 s"
    )


def test_an_end_that_we_brought_about_is_told_by_its_reason() -> None:
    last = LastExit(code=137, signal=9, why="was ended: the image's health check fails")
    assert reason("web.1", last, None) == "web.1 was ended: the image's health check fails"
    crashed = reason("web.1", last, RunnerSettings())
    assert crashed.startswith("web.1 was ended: the image's health check fails, after 5 exits")

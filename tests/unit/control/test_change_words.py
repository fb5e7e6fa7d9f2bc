"""What an operation changes, in a few words."""

import pytest

from deis_control.deltas import (
    BuildDelta,
    ConfigDelta,
    Delta,
    DestroyDelta,
    RestartDelta,
    RollbackDelta,
    ScaleDelta,
    StartDelta,
    StopDelta,
)
from deis_control.rules.changes import summary_of
from tests.unit.control.builders import make_build


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (ConfigDelta({"B": "x", "A": "y", "C": None}), "config: set A, B; unset C"),
        (
            ConfigDelta(memory={"web": "1G"}, tags={"rack": None}),
            "limits: set memory web; tags: unset rack",
        ),
        (ConfigDelta(), "config: nothing"),
        (ScaleDelta({"web": 3, "worker": 0}), "scale web=3 worker=0"),
        (ScaleDelta(), "scale"),
        (RestartDelta("web", 1), "restart web.1"),
        (RestartDelta("web"), "restart web"),
        (RestartDelta(), "restart"),
        (RollbackDelta(2), "rollback to v2"),
        (StopDelta("web"), "stop web"),
        (StopDelta(), "stop"),
        (StartDelta("web"), "start web"),
        (StartDelta(), "start"),
        (DestroyDelta(), "destroy"),
    ],
)
def test_words_of_a_change(delta: Delta, words: str) -> None:
    assert summary_of(delta) == words


def test_a_deploy_is_named_by_its_commit_or_image() -> None:
    assert summary_of(BuildDelta("x"), make_build(sha="1234567890")) == "deploy 1234567"
    assert summary_of(BuildDelta("x"), make_build(sha="", image="nginx")) == "deploy nginx"


def test_values_are_never_in_the_words() -> None:
    assert "secret" not in summary_of(ConfigDelta({"PASSWORD": "secret"}))

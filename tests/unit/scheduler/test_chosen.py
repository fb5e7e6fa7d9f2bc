"""Which scheduling engine a new copy gets."""

import pytest

from deis_control.scheduler.engines.chosen import chosen, complaint, of_type
from deis_node.cluster.records import NATIVE, SWARM


@pytest.mark.parametrize(
    ("setting", "has_swarm", "engine"),
    [
        ("", True, NATIVE),
        ("native", True, NATIVE),
        ("swarm", True, SWARM),
        ("swarm", False, NATIVE),
        ("fleet", True, NATIVE),
    ],
)
def test_the_setting_counts_where_it_can(setting: str, has_swarm: bool, engine: str) -> None:
    assert chosen(setting, has_swarm=has_swarm) == engine


def test_single_types_stay_with_the_agents() -> None:
    single = frozenset({"clock"})
    assert of_type(SWARM, "clock", single) == NATIVE
    assert of_type(SWARM, "web", single) == SWARM
    assert of_type(NATIVE, "web", single) == NATIVE


def test_an_operator_is_told_of_a_setting_that_cannot_be_followed() -> None:
    assert complaint("", has_swarm=False) is None
    assert complaint("native", has_swarm=False) is None
    assert complaint("swarm", has_swarm=True) is None
    assert "scheduler.swarm_managers" in (complaint("swarm", has_swarm=False) or "")
    assert "'fleet'" in (complaint("fleet", has_swarm=True) or "")

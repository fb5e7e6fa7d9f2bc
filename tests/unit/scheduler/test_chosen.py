"""Which scheduling engine a new copy gets."""

import pytest

from deis_control.scheduler.engines.chosen import chosen, complaint
from deis_node.cluster.records import NATIVE, SWARM


@pytest.mark.parametrize(
    ("setting", "has_swarm", "single", "engine"),
    [
        ("", True, False, NATIVE),
        ("native", True, False, NATIVE),
        ("swarm", True, False, SWARM),
        ("swarm", True, True, NATIVE),
        ("swarm", False, False, NATIVE),
        ("fleet", True, False, NATIVE),
    ],
)
def test_the_setting_counts_where_it_can(
    setting: str, has_swarm: bool, single: bool, engine: str
) -> None:
    assert chosen(setting, has_swarm=has_swarm, single=single) == engine


def test_an_operator_is_told_of_a_setting_that_cannot_be_followed() -> None:
    assert complaint("", has_swarm=False) is None
    assert complaint("native", has_swarm=False) is None
    assert complaint("swarm", has_swarm=True) is None
    assert "scheduler.swarm_manager" in (complaint("swarm", has_swarm=False) or "")
    assert "'fleet'" in (complaint("fleet", has_swarm=True) or "")

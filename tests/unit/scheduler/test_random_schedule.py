"""A randomized run's schedule, played by the planner in virtual time (tests/chaos)."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.schedule import MENDS, rounds
from tests.chaos.virtual import HOSTS, Play
from tests.fixtures.seeds import SEED

PROJECT = Path(__file__).parents[3]
LENGTH = 15.0


@settings(max_examples=100)
@given(st.integers(0, 10**6))
def test_a_seed_is_one_schedule_and_each_round_heals_what_it_hurts(seed: int) -> None:
    found = list(islice(rounds(seed, HOSTS, LENGTH), 6))
    assert found == list(islice(rounds(seed, HOSTS, LENGTH), 6))
    for item in found:
        assert [step.at for step in item.steps] == sorted(step.at for step in item.steps)
        assert all(0 <= step.at <= LENGTH for step in item.steps)
        hurt: list[str] = []
        for step in item.steps:
            if step.what in MENDS:
                hurt.append(step.on)
            elif step.what in MENDS.values():
                hurt.remove(step.on)
            elif step.what == "kill" and step.on.startswith("etcd@"):
                assert item.hurt == ""
            assert set(hurt) <= {item.hurt}
        assert hurt == []
        said = [step for step in item.steps if step.what.removeprefix("un") in ("cordon", "drain")]
        assert [step.what[:2] == "un" for step in said] in ([], [False, True])


@settings(max_examples=8)
@given(st.integers(0, 10**6))
def test_the_planner_comes_to_rest_after_each_round(seed: int) -> None:
    play = Play(seed)
    play.run(3, LENGTH)
    assert play.lines[-1].endswith("quiet")


def test_the_planner_comes_to_rest_in_a_schedule_that_shall_be_repeated() -> None:
    play = Play(SEED)
    play.run(3, LENGTH)
    assert play.lines[-1].endswith("quiet"), f"DEIS_SEED={SEED}"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_is_the_same_run_to_the_last_write(seed: int) -> None:
    # Processes of their own, for sets of strings are in another order in each.
    code = f"from tests.chaos.virtual import Play; p = Play({seed}); p.run(2, 15); print(p.digest)"
    digests = set()
    for order in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            env={**os.environ, "PYTHONHASHSEED": order},
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    other = Play(seed + 1)
    other.run(2, LENGTH)
    assert f"{other.digest}\n" not in digests

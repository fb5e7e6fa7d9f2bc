"""The storm of tests/platform/test_storm.py, with thirty kills of the controller."""

import pytest

from tests.fixtures.seeds import SEED
from tests.fixtures.seen import Seen
from tests.fixtures.storm import Storm

KILLS = 30


@pytest.mark.timeout(900)
def test_fifty_clients_while_the_controller_is_killed_thirty_times(
    storm: Storm, seen: Seen
) -> None:
    storm.outlast(KILLS, seconds=60)
    accepted = storm.answers.count(202)
    seen(f"seed {SEED}: {KILLS} kills, {accepted} of {len(storm.answers)} changes accepted")
    seen("releases, end state and containers are what the successful changes say, in their order")

"""Fifty clients change one app at once, without waiting for each other; and the controller is
killed again and again meanwhile. What comes of it is what the successful changes say, in their
order."""

import pytest

from tests.fixtures.platform import poll
from tests.fixtures.seeds import SEED
from tests.fixtures.storm import Storm, check

pytestmark = pytest.mark.usefixtures("rests")


@pytest.mark.timeout(600)
def test_fifty_clients_at_once(storm: Storm) -> None:
    for thread in storm.blow(seconds=1):
        thread.join()
    assert set(storm.answers) == {202}, f"seed {SEED}"
    poll(storm.over, 400, "all operations ended")
    check(storm)


@pytest.mark.long(75)
@pytest.mark.timeout(900)
def test_fifty_clients_while_the_controller_is_killed(storm: Storm) -> None:
    """Four kills; `tests/drills/test_storm.py` has thirty."""
    storm.outlast(kills=4, seconds=20)

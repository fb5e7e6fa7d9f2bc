"""Random changes and faults for twenty minutes.

DEIS_SEED repeats a schedule, DEIS_MINUTES says how long, DEIS_TRACE where the trace is kept.
"""

import os
from pathlib import Path

import pytest

from tests.chaos.run import random_run
from tests.fixtures.cluster import Cluster
from tests.fixtures.seeds import SEED
from tests.fixtures.seen import Seen

MINUTES = float(os.environ.get("DEIS_MINUTES", "20"))
ROUND = 40.0


@pytest.mark.timeout(MINUTES * 60 + 900)
def test_random_changes_and_faults(cluster: Cluster, seen: Seen, tmp_path: Path) -> None:
    folder = Path(os.environ.get("DEIS_TRACE", tmp_path))
    random_run(cluster, seen, folder, seed=SEED, seconds=MINUTES * 60, length=ROUND)

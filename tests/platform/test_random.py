"""Random changes and faults on a cluster for a short while; tests/drills has the long run."""

import os
from pathlib import Path

import pytest

from tests.chaos.run import PROMISED, random_run
from tests.fixtures.cluster import Cluster
from tests.fixtures.seeds import SEED
from tests.fixtures.seen import Seen

SECONDS = 180.0
ROUND = 15.0


@pytest.mark.long(240)
@pytest.mark.timeout(900)
def test_random_changes_and_faults(cluster: Cluster, seen: Seen, tmp_path: Path) -> None:
    folder = Path(os.environ.get("DEIS_TRACE", tmp_path))
    patience = 10 * PROMISED
    random_run(cluster, seen, folder, seed=SEED, seconds=SECONDS, length=ROUND, patience=patience)

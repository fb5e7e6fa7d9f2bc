"""What an app's config says of its rollouts."""

import pytest

from deis_control.scheduler.tuning import Tuning, complaints, tuning_of
from deis_control.scheduler.world import Workers


def test_an_app_that_says_nothing_is_left_to_the_settings() -> None:
    assert tuning_of({}) == Tuning(1, Workers.WITH, None, None, None)
    assert complaints({}) == ()


def test_every_variable_is_read() -> None:
    values = {
        "DEIS_DEPLOY_BATCHES": " 3 ",
        "DEIS_DEPLOY_TIMEOUT": "300",
        "DEIS_STOP_GRACE": "0",
        "DEIS_WORKER_READY": "2.5",
        "DEIS_WORKER_STRATEGY": "after",
        "DEIS_PIDS_LIMIT": "16",
    }
    assert tuning_of(values) == Tuning(3, Workers.AFTER, 300, 0, 2.5, 16)
    assert complaints(values) == ()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("DEIS_DEPLOY_BATCHES", text) for text in ("", "0", "-1", "101", "1.5", "all", "٣")),
        *(("DEIS_DEPLOY_TIMEOUT", text) for text in ("", "0", "86401", "1e309", "nan", "1\n2")),
        *(("DEIS_STOP_GRACE", text) for text in ("-1", "3601", "30s")),
        *(("DEIS_WORKER_READY", text) for text in ("-1", "3601", "soon")),
        *(("DEIS_PIDS_LIMIT", text) for text in ("", "0", "15", "32769", "-1", "1e3", "max")),
        *(("DEIS_WORKER_STRATEGY", text) for text in ("", "Before", "first", "before,after")),
    ],
)
def test_nonsense_counts_as_not_given_and_is_told(name: str, wrong: str) -> None:
    assert tuning_of({name: wrong}) == Tuning()
    (told,) = complaints({name: wrong})
    assert told.startswith(f"{name}: ")
    assert told.endswith(", ignored")
    assert "\n" not in told

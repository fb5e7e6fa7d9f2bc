"""Pauses that grow, and retries with a deadline."""

import asyncio

import pytest

from deis_node.runtime.backoff import Backoff, DeadlineExceeded, retry


def test_pauses_grow_up_to_the_maximum() -> None:
    backoff = Backoff(1, 5, factor=2, jitter=0)
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_a_reset_starts_over() -> None:
    backoff = Backoff(1, 5, jitter=0)
    backoff.next()
    backoff.reset()
    assert backoff.next() == 1


def test_jitter_stays_within_its_share() -> None:
    pauses = [Backoff(1, 5, jitter=0.1).next() for _ in range(200)]
    assert all(0.9 <= pause <= 1.1 for pause in pauses)
    assert len(set(pauses)) > 100


@pytest.mark.parametrize(
    "wrong", [{"initial": 0}, {"maximum": 0.01}, {"factor": 0.5}, {"jitter": 1}]
)
def test_senseless_pauses_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="needs"):
        Backoff(**wrong)


class Flaky:
    """Fails so many times, then answers."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.left = failures
        self.error = error
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


async def test_what_succeeds_at_last_is_a_success() -> None:
    flaky = Flaky(3, OSError("no"))
    assert (
        await retry(flaky, on=(OSError,), deadline=5, backoff=Backoff(0.001), what="it") == "done"
    )
    assert flaky.calls == 4


async def test_other_errors_pass_at_once() -> None:
    flaky = Flaky(3, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await retry(flaky, on=(OSError,), deadline=5, what="it")
    assert flaky.calls == 1


async def test_the_deadline_names_what_was_tried_and_the_last_error() -> None:
    error = OSError("disk on fire")
    with pytest.raises(
        DeadlineExceeded, match=r"saving: gave up after 0\.05 s: disk on fire"
    ) as caught:
        await retry(Flaky(10**6, error), on=(OSError,), deadline=0.05, what="saving")
    assert caught.value.__cause__ is error


async def test_the_deadline_ends_a_call_that_hangs() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlineExceeded, match="hanging: gave up"):
        await retry(hang, on=(OSError,), deadline=0.05, what="hanging")


async def test_a_timeout_of_the_call_itself_may_be_worth_another_try() -> None:
    flaky = Flaky(1, TimeoutError())
    assert await retry(flaky, on=(TimeoutError,), deadline=5, what="it") == "done"


async def test_a_timeout_of_the_call_itself_is_not_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        await retry(Flaky(1, TimeoutError()), on=(ValueError,), deadline=5, what="it")

"""Probes one run of a copy until it is ready, and after that for as long as it has a check."""

import asyncio
from collections.abc import Callable

from deis_node.publisher import probe
from deis_node.publisher.plan import Verdict
from deis_node.publisher.readiness import State, Target, after_answer, first_pause
from deis_node.publisher.settings import PublisherSettings


async def watch(
    target: Target,
    settings: PublisherSettings,
    tell: Callable[[Verdict], None],
    *,
    adopted: bool = False,
) -> None:
    """Ask again and again, and `tell` whenever the verdict is another one.

    `adopted` means that a former agent found this run ready: it stays so unless it fails.
    """
    state = State(ready=adopted)
    told = Verdict(target.run, ready=adopted)
    await asyncio.sleep(first_pause(target, adopted=adopted, settings=settings))
    while True:
        error = await _ask(target, settings)
        state = after_answer(state, error, checked=target.health is not None, settings=settings)
        verdict = Verdict(target.run, state.ready, state.error)
        if verdict != told:
            told = verdict
            tell(verdict)
        if state.pause is None:
            return
        await asyncio.sleep(state.pause)


async def _ask(target: Target, settings: PublisherSettings) -> str | None:
    if target.address is None:
        return None
    if target.health is not None:
        return await probe.failed_health(target.address, target.health)
    return await probe.failed_connection(target.address, settings.connect)

"""Running one long-lived process: its event loop, its signals, its limits, its exit status."""

import asyncio
import os
import resource
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from deis_node.runtime.errors import DeisError

log = structlog.get_logger()

Main = Callable[[asyncio.Event], Coroutine[Any, Any, int | None]]
"""What a process does until the event is set; its result is the exit status (None is 0)."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(main: Main, *, uvloop: bool = True) -> int:
    """Run `main(stop)` to its end and return the process' exit status.

    SIGTERM and SIGINT set `stop`; a second one exits at once with 128 plus its number. A
    `DeisError` is logged as its sentence, any other exception with its traceback; both give 1.
    As many files may be open as the system's hard limit allows: connections are files.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=_loop_factory(uvloop=uvloop)) as runner:
        try:
            return runner.run(_main(main))
        except DeisError as err:
            log.error("process failed", error=str(err))
        except Exception as err:  # the outermost guard
            log.error("process failed", error=str(err), exc_info=err)
        return 1


async def _main(main: Main) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _on_signal, number, stop)
    try:
        return await main(stop) or 0
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _on_signal(number: signal.Signals, stop: asyncio.Event) -> None:
    if stop.is_set():
        log.warning("second signal, leaving at once", signal=number.name)
        os._exit(128 + number)
    log.info("stopping", signal=number.name)
    stop.set()


def _loop_factory(*, uvloop: bool) -> Callable[[], asyncio.AbstractEventLoop]:
    if not uvloop:
        return asyncio.new_event_loop
    import uvloop as library  # costs 20 ms, and not every process wants it

    return library.new_event_loop

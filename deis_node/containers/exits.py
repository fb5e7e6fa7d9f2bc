"""What is told of a container that ended."""

from datetime import datetime

import structlog

from deis_node.cluster.records import LastExit
from deis_node.containers import spec
from deis_node.containers.restarts import Policy
from deis_node.containers.settings import RunnerSettings
from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError
from deis_node.docker.model import ContainerInfo

log = structlog.get_logger()


async def last_exit(docker: Docker, info: ContainerInfo, lines: int) -> LastExit:
    """How the container ended, with at most so many of its last log lines."""
    try:
        tail = await docker.tail(info.id, lines)
    except DockerError as err:
        log.info("last log lines cannot be read", container=info.name, error=err.text)
        tail = ()
    return LastExit(
        code=info.exit_code,
        signal=spec.exit_signal(info.exit_code),
        oom=info.oom_killed,
        finished=info.finished_at or "",
        lines=spec.last_lines(tail),
    )


def reason(process: str, last: LastExit, crashed: RunnerSettings | None) -> str:
    """Why the copy does not run, as a sentence; `crashed` are the figures that made it crashed."""
    how = spec.exit_sentence(process, last.code, last.signal, last.oom)
    if last.why is not None:
        how = f"{process} {last.why}"
    if crashed is None:
        return how
    return (
        f"{how}, after {crashed.crash_count} exits within {crashed.crash_window:g} s; "
        f"it is tried again every {crashed.crash_pause:g} s"
    )


def policy(settings: RunnerSettings) -> Policy:
    """The figures of restarts."""
    return Policy(
        first=settings.restart_first,
        longest=settings.restart_longest,
        steady=settings.restart_steady,
        crashes=settings.crash_count,
        window=settings.crash_window,
        pause=settings.crash_pause,
    )


def seconds(timestamp: str | None) -> float:
    """The engine's time stamp in seconds since 1970; 0 without one."""
    if not timestamp:
        return 0.0
    # Python reads microseconds at most, the engine writes nanoseconds.
    whole, _, fraction = timestamp.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00").timestamp()

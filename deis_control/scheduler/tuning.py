"""What an app's config says of its rollouts and of how its copies end. PURE.

A value that makes no sense counts as not given, and its owner is told.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from deis_control.scheduler.world import Workers

BATCHES = "DEIS_DEPLOY_BATCHES"
DEPLOY_TIMEOUT = "DEIS_DEPLOY_TIMEOUT"
PIDS_LIMIT = "DEIS_PIDS_LIMIT"
STOP_GRACE = "DEIS_STOP_GRACE"
WORKER_READY = "DEIS_WORKER_READY"
WORKER_STRATEGY = "DEIS_WORKER_STRATEGY"

_MOST_BATCHES = 100
_PIDS = (16, 32768)
"""Processes and threads: the least that anything runs with, and the whole of a small kernel."""
_BOUNDS: Mapping[str, tuple[float, float]] = {
    DEPLOY_TIMEOUT: (1, 86400),
    STOP_GRACE: (0, 3600),
    WORKER_READY: (0, 3600),
}
"""Of the variables in seconds: the least and the most that makes sense."""

_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_WHOLE = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Tuning:
    """How an app wants to be rolled out; None leaves it to the platform's settings."""

    batches: int = 1
    """Into how many parts the new copies of a change are divided."""
    workers: Workers = Workers.WITH
    """When copies that get no requests change, seen from those that do."""
    deploy_timeout: float | None = None
    """Seconds that a new copy may take to become ready."""
    grace: float | None = None
    """Seconds between SIGTERM and SIGKILL."""
    worker_ready: float | None = None
    """Seconds that a copy which gets no requests must run to be ready."""
    pids: int | None = None
    """Processes and threads that a copy may have."""


def tuning_of(values: Mapping[str, str]) -> Tuning:
    """What the config asks for."""
    return Tuning(
        batches=_batches(values) or 1,
        workers=_workers(values) or Workers.WITH,
        deploy_timeout=_bounded(values, DEPLOY_TIMEOUT),
        grace=_bounded(values, STOP_GRACE),
        worker_ready=_bounded(values, WORKER_READY),
        pids=_pids(values),
    )


def seconds_of(text: str) -> float | None:
    """A user's number of seconds, up to 999999 with a fraction; None when it is none."""
    text = text.strip()
    return float(text) if _SECONDS.fullmatch(text) else None


def complaints(values: Mapping[str, str]) -> tuple[str, ...]:
    """What an app's owner must be told about these values."""
    texts = []
    if BATCHES in values and _batches(values) is None:
        texts.append(_complaint(values, BATCHES, f"a whole number from 1 to {_MOST_BATCHES}"))
    if WORKER_STRATEGY in values and _workers(values) is None:
        texts.append(_complaint(values, WORKER_STRATEGY, f"one of {', '.join(Workers)}"))
    if PIDS_LIMIT in values and _pids(values) is None:
        texts.append(
            _complaint(values, PIDS_LIMIT, f"a whole number from {_PIDS[0]} to {_PIDS[1]}")
        )
    for name, (least, most) in _BOUNDS.items():
        if name in values and _bounded(values, name) is None:
            meant = f"a number of seconds from {least:g} to {most:g}"
            texts.append(_complaint(values, name, meant))
    return tuple(texts)


def shown(text: str) -> str:
    """A user's text in a line of log: short, and without what would break the line."""
    return json.dumps(text[:60])


def _batches(values: Mapping[str, str]) -> int | None:
    return _whole(values, BATCHES, 1, _MOST_BATCHES)


def _pids(values: Mapping[str, str]) -> int | None:
    return _whole(values, PIDS_LIMIT, *_PIDS)


def _whole(values: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = values.get(name, "").strip()
    found = int(text) if _WHOLE.fullmatch(text) else -1
    return found if least <= found <= most else None


def _workers(values: Mapping[str, str]) -> Workers | None:
    text = values.get(WORKER_STRATEGY, "").strip()
    return Workers(text) if text in set(Workers) else None


def _bounded(values: Mapping[str, str], name: str) -> float | None:
    found = seconds_of(values.get(name, ""))
    least, most = _BOUNDS[name]
    return found if found is not None and least <= found <= most else None


def _complaint(values: Mapping[str, str], name: str, meant: str) -> str:
    return f"{name}: {shown(values[name])} is not {meant}, ignored"

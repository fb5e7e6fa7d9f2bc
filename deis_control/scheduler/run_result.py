"""What a host has handed over of a one-off command, and what it means. PURE."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deis_control.db.runs import OpenRun, Outcome
from deis_control.model import RunState
from deis_node.cluster.etcd import KeyValue
from deis_node.cluster.oneoffs import open_output
from deis_node.cluster.records import RecordError, RunEnd
from deis_node.cluster.seal import Ring, SealError

LOST_OUTPUT = "its output was lost on the way"


def read_result(ring: Ring, run: OpenRun, items: Sequence[KeyValue]) -> tuple[RunEnd, bytes] | None:
    """How the command ended and what it wrote, of the keys below its prefix in their order.

    None when its end is not there, or is another command's. An output that cannot be read is
    an error of the end.
    """
    end = next((_end(kv.value) for kv in items if kv.key.endswith("/end")), None)
    if end is None or end.uuid != str(run.uuid):
        return None
    pieces = [kv.value for kv in items if not kv.key.endswith("/end")][: end.pieces]
    try:
        if len(pieces) < end.pieces:
            raise SealError("a piece is missing")
        return end, open_output(ring, run.app_id, end.uuid, pieces)
    except SealError:
        return RunEnd(end.uuid, end.code, end.error or LOST_OUTPUT, end.oom), b""


def outcome_of(run: OpenRun, end: RunEnd, output: bytes) -> Outcome:
    """The end as it goes into the command's row: done with whatever code, or failed, and why."""
    reason = run.reason
    if not reason and end.error is not None:
        reason = f"{run.process}: {end.error}"
    elif not reason and end.code is None:
        reason = f"{run.process}: it has no exit code"
    state = RunState.FAILED if reason else RunState.DONE
    started, finished = moment(end.started), moment(end.finished)
    if started is not None and finished is not None:
        # The engine notes the end of what ends at once before its start.
        started = min(started, finished)
    return Outcome(
        state=state,
        exit_code=end.code,
        reason=reason or (f"{run.process} ran out of memory" if end.oom else ""),
        output=output,
        truncated=end.truncated,
        started=started,
        ended=finished,
    )


def moment(text: str | None) -> datetime | None:
    """An engine's time stamp, which has nanoseconds; None for none, or one that is unreadable."""
    if text is None:
        return None
    whole, _, fraction = text.removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}").replace(tzinfo=UTC)
    except ValueError:
        return None


def _end(value: bytes) -> RunEnd | None:
    try:
        return RunEnd.from_bytes(value)
    except RecordError:
        return None

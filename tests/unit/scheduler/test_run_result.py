"""What a host hands over of a one-off command, as it goes into the row."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from deis_control.db.runs import OpenRun
from deis_control.model import RunState
from deis_control.scheduler.run_result import LOST_OUTPUT, moment, outcome_of, read_result
from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.cluster.oneoffs import PIECE, seal_output
from deis_node.cluster.records import RunEnd
from deis_node.cluster.seal import Ring

RING = Ring({"one": b"1" * 32}, "one")
NAME = "hello_v2.run.1"
RUN = OpenRun(
    uuid=UUID(int=1),
    app=UUID(int=2),
    app_id="hello",
    destroying=False,
    num=1,
    state=RunState.RUNNING,
    release=2,
    host="host-1",
    container=NAME,
    incarnation="one",
    reason="",
    waited=1.0,
    placed=1.0,
    ran=1.0,
)
END = RunEnd(str(RUN.uuid), code=3)
OUTPUT = b"x" * (PIECE + 1)


def kv(key: str, value: bytes) -> KeyValue:
    return KeyValue(key, value, 1, 1, 1, 0)


def handed_over(end: RunEnd | None, pieces: Sequence[bytes]) -> list[KeyValue]:
    found = [kv(keys.run_output("hello", NAME, n), piece) for n, piece in enumerate(pieces)]
    return found + ([] if end is None else [kv(keys.run_end("hello", NAME), end.to_bytes())])


def sealed(output: bytes = OUTPUT, uuid: str = END.uuid) -> list[bytes]:
    return list(seal_output(RING, "hello", uuid, output))


def test_pieces_are_put_together_and_stay_below_etcds_bound() -> None:
    pieces = sealed()
    assert len(pieces) == 2
    assert all(len(piece) <= 512 * 1024 for piece in pieces)
    found = read_result(RING, RUN, handed_over(replace(END, pieces=2), pieces))
    assert found == (replace(END, pieces=2), OUTPUT)


def test_no_output_is_no_piece() -> None:
    assert sealed(b"") == []
    assert read_result(RING, RUN, handed_over(END, [])) == (END, b"")


def test_without_its_own_end_there_is_no_result() -> None:
    assert read_result(RING, RUN, handed_over(None, sealed())) is None
    other = replace(END, uuid="another", pieces=2)
    assert read_result(RING, RUN, handed_over(other, sealed())) is None
    assert read_result(RING, RUN, [kv(keys.run_end("hello", NAME), b"{")]) is None


def test_an_output_that_is_not_whole_or_another_commands_is_lost() -> None:
    end = replace(END, pieces=2)
    pieces = sealed()
    for wrong in ([pieces[0]], pieces[::-1], sealed(uuid="another"), [b"", b""]):
        found = read_result(RING, RUN, handed_over(end, wrong))
        assert found is not None
        assert (found[0].error, found[0].code, found[1]) == (LOST_OUTPUT, 3, b"")


def test_done_is_whatever_exited_and_failed_what_did_not() -> None:
    done = outcome_of(RUN, END, b"x")
    assert (done.state, done.exit_code, done.reason) == (RunState.DONE, 3, "")
    oom = outcome_of(RUN, replace(END, code=137, oom=True), b"")
    assert (oom.state, oom.reason) == (RunState.DONE, "run.1 ran out of memory")
    lost = outcome_of(RUN, replace(END, code=None, error="it was not started"), b"")
    assert (lost.state, lost.reason) == (RunState.FAILED, "run.1: it was not started")
    stopped = outcome_of(replace(RUN, reason="too long"), END, b"x")
    assert (stopped.state, stopped.exit_code, stopped.reason) == (RunState.FAILED, 3, "too long")
    assert stopped.output == b"x"
    assert outcome_of(RUN, replace(END, code=None), b"").state is RunState.FAILED


def test_nothing_ends_before_it_starts() -> None:
    early = replace(END, started="2024-01-02T03:04:05.2Z", finished="2024-01-02T03:04:05.1Z")
    outcome = outcome_of(RUN, early, b"")
    assert outcome.started == outcome.ended == moment(early.finished)


def test_an_engines_times_are_read() -> None:
    expected = datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert moment("2024-01-02T03:04:05.123456789Z") == expected
    assert moment("2024-01-02T03:04:05Z") == expected.replace(microsecond=0)
    assert moment(None) is None
    assert moment("later") is None

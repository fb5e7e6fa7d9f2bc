"""The store: each line once, in its app's file, whatever happens in between."""

import errno
import os
from pathlib import Path

import pytest

from deis_control.logger import positions, segments
from deis_control.logger.counts import Outcome
from deis_control.logger.store import Store
from deis_node.cluster.frames import Frame, LogLine

NOW = "2026-11-23T02:16:00.000000Z"


def frame(seq: int = 0, text: str = "", *, app: str = "hello", stream: str = "s") -> Frame:
    line = LogLine(app, "web.1", NOW, text or f"line {seq}")
    return Frame(line, "node-1", stream if seq else "", seq)


def texts(directory: Path, app: str = "hello", suffix: str = "") -> list[str]:
    file = directory / f"{app}.log{suffix}"
    return [line.split(": ", 1)[1] for line in file.read_text().splitlines()]


def test_a_line_is_stored_as_it_is_shown(tmp_path: Path) -> None:
    Store(tmp_path).append([frame(1, "hi")])

    assert (tmp_path / "hello.log").read_text() == "2026-11-23T02:16:00UTC hello[web.1]: hi\n"


def test_frames_that_come_again_are_stored_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append([frame(1), frame(2), frame(1, app="other", stream="t")])
    store.append([frame(1), frame(2), frame(3)])

    assert texts(tmp_path) == ["line 1", "line 2", "line 3"]
    assert store.counts.snapshot()[Outcome.REPEATED] == 2


def test_foreign_lines_are_never_taken_for_repeated_ones(tmp_path: Path) -> None:
    Store(tmp_path).append([frame(0, "same"), frame(0, "same")])

    assert texts(tmp_path) == ["same", "same"]


def test_a_crash_of_the_process_forgets_no_position(tmp_path: Path) -> None:
    Store(tmp_path).append([frame(1), frame(2)])
    Store(tmp_path).append([frame(2), frame(3)])

    assert texts(tmp_path) == ["line 1", "line 2", "line 3"]


def test_positions_from_before_a_boot_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path).append([frame(1)])
    boot = tmp_path / "boot"
    boot.write_text("another\n")
    monkeypatch.setattr(positions, "_BOOT_ID", boot)
    Store(tmp_path).append([frame(1)])

    assert texts(tmp_path) == ["line 1", "line 1"]


def test_positions_are_compacted_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(positions, "_COMPACT_BYTES", 1000)
    memory = positions.Positions(tmp_path, streams=2)
    for seq in range(1, 500):
        for stream in ("a", "b", "c"):
            memory.advance(("node-1", stream), seq)
            memory.save({("node-1", stream)})

    assert (tmp_path / ".positions").stat().st_size < 1100
    again = positions.Positions(tmp_path, streams=2)
    assert not again.advance(("node-1", "c"), 499)
    assert again.advance(("node-1", "c"), 500)
    assert again.advance(("node-1", "a"), 1)


def test_files_are_put_aside_by_size(tmp_path: Path) -> None:
    store = Store(tmp_path, segment_bytes=100)
    for seq in range(1, 8):
        store.append([frame(seq)])

    assert texts(tmp_path) == ["line 7"]
    assert texts(tmp_path, suffix=".1") == ["line 5", "line 6"]
    assert not (tmp_path / "hello.log.2").exists()


def test_open_files_are_bounded(tmp_path: Path) -> None:
    store = Store(tmp_path, open_files=3)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        store.append([frame(1, app=f"app-{number % 10}", stream=f"s{number}")])

    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3
    assert all(len(texts(tmp_path, f"app-{number}")) == 2 for number in range(10))


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "hello.log").write_text("x: whole\nx: torn")
    Store(tmp_path).append([frame(1)])

    assert texts(tmp_path) == ["whole", "line 1"]


def test_deletion_takes_all_files_and_late_lines(tmp_path: Path) -> None:
    store = Store(tmp_path, segment_bytes=50)
    store.append([frame(1)])
    store.append([frame(2)])
    store.delete("hello")
    store.append([frame(3)])

    assert not list(tmp_path.glob("hello*"))
    assert store.counts.snapshot()[Outcome.LATE] == 1
    later = LogLine("hello", "web.1", "2999-01-01T00:00:00Z", "new")
    Store(tmp_path).append([frame(4), Frame(later, "node-1", "s", 5)])
    assert texts(tmp_path) == ["new"]


def test_a_full_disk_keeps_lines_waiting_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.append([frame(1)])
    with monkeypatch.context() as full:
        full.setattr(segments.os, "write", _half_then_no_space())
        store.append([frame(2), frame(3)])
        store.retry()
    assert store.waiting == 2
    assert texts(tmp_path) == ["line 1"]

    store.append([frame(4)])

    assert texts(tmp_path) == ["line 1", "line 2", "line 3", "line 4"]
    assert store.waiting == 0


def test_a_file_that_cannot_be_written_harms_no_other_app(tmp_path: Path) -> None:
    (tmp_path / "hello.log").mkdir()
    store = Store(tmp_path)
    store.append([frame(1), frame(1, app="other", stream="t")])

    assert texts(tmp_path, "other") == ["line 1"]
    assert store.counts.snapshot()[Outcome.LOST] == 1


def _half_then_no_space() -> object:
    write = os.write

    def limited(file: int, data: bytes) -> int:
        if len(data) > 40:
            return write(file, data[:40])
        raise OSError(errno.ENOSPC, "No space left on device")

    return limited

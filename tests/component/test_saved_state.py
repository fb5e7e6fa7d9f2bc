"""What the runner keeps on disk."""

import asyncio
import time
from pathlib import Path

import pytest

from deis_node.containers.portbook import PortBook
from deis_node.containers.saved import SavedState, StateFile
from tests.builders import make_placement


def made(folder: Path) -> StateFile[SavedState]:
    return StateFile(folder / "deep" / "placements.json", SavedState)


async def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    placement = make_placement(num=3)
    state = SavedState("one", 7, placements={"x": placement}, envs={"hello/2": '{"k":1}'})
    file = made(tmp_path)
    file.put(state)
    await file.flush()
    loaded, age = await made(tmp_path).load()
    assert loaded == state
    assert 0 <= age < 60


async def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    file = made(tmp_path)
    file.put(SavedState("one"))
    await file.flush()
    path = tmp_path / "deep" / "placements.json"
    inode = path.stat().st_ino
    again = made(tmp_path)
    await again.load()
    again.put(SavedState("one"))
    await again.flush()
    assert path.stat().st_ino == inode
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["placements.json"]


async def test_what_cannot_be_read_counts_as_nothing(tmp_path: Path) -> None:
    file = made(tmp_path)
    assert (await file.load())[0] is None
    file.put(SavedState("one"))
    await file.flush()
    (tmp_path / "deep" / "placements.json").write_bytes(b'{"revision": "x"')
    assert (await made(tmp_path).load())[0] is None


async def test_ports_are_remembered(tmp_path: Path) -> None:
    def book() -> PortBook:
        return PortBook(tmp_path / "ports.json", low=20000, high=20001, quarantine=3600)

    first = book()
    assert first.take("a", "hello") == 20000
    await first.file.flush()
    second = book()
    await second.load()
    assert second.take("b", "hello") == 20001
    assert second.take("a", "hello") == 20000


async def test_what_is_put_later_stands_there_however_slow_the_disk_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, waits = StateFile._write, iter((0.2, 0.0))

    def slow(file: StateFile[SavedState], content: bytes) -> None:
        time.sleep(next(waits))
        write(file, content)

    monkeypatch.setattr(StateFile, "_write", slow)
    file = made(tmp_path)

    async def kept(name: str) -> None:
        file.put(SavedState(name))
        await file.flush()

    await asyncio.gather(kept("one"), kept("two"))
    loaded, _ = await made(tmp_path).load()
    assert loaded == SavedState("two")

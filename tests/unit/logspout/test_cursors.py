"""The file of cursors survives what may happen to a file."""

from pathlib import Path

import pytest

from deis_node.logspout.cursors import Cursor, load, save
from deis_node.logspout.position import Position

PLACE = Position("2026-11-23T02:16:00.000000000Z", 2, 17, text="ä\n".encode())


def test_cursors_are_kept_with_digests_and_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "cursors.json"
    save(file, {"4f1c": Cursor("9a", PLACE)})

    assert load(file) == {"4f1c": Cursor("9a", PLACE.sealed())}
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_without_a_file_there_are_no_cursors(tmp_path: Path) -> None:
    assert load(tmp_path / "cursors.json") == {}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"cursors": 1}', '{"cursors": {"a": 1}}', '{"cursors": {"a": []}}',
     '{"cursors": {"a": ["e", "t", "1", 2, "d"]}}', '{"cursors": {"a": ["e", "t", 0, 2, "d"]}}'],
)  # fmt: skip
def test_a_damaged_file_gives_no_cursors(tmp_path: Path, content: str) -> None:
    file = tmp_path / "cursors.json"
    file.write_text(content)

    assert load(file) == {}

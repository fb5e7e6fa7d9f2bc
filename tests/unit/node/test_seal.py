"""Sealed envelopes and the ring of keys."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.seal import Ring, SealError

RING = Ring({"a": bytes(32), "b": bytes(range(32))}, "a")


@given(st.binary(), st.text().filter(lambda t: "|" not in t), st.integers(min_value=0))
def test_what_was_sealed_opens_at_its_place(plain: bytes, app: str, release: int) -> None:
    envelope = RING.seal(plain, kind="config", app=app, release=release)
    assert RING.open(envelope, kind="config", app=app, release=release) == plain


@pytest.mark.parametrize(
    ("kind", "app", "release"),
    [("cert", "hello", 2), ("config", "other", 2), ("config", "hello", 3)],
)
def test_it_opens_nowhere_else(kind: str, app: str, release: int) -> None:
    envelope = RING.seal(b"x", kind="config", app="hello", release=2)
    with pytest.raises(SealError):
        RING.open(envelope, kind=kind, app=app, release=release)


def test_two_envelopes_of_the_same_text_differ() -> None:
    assert RING.seal(b"x", kind="k") != RING.seal(b"x", kind="k")


@given(st.integers(min_value=0, max_value=39))
def test_a_changed_byte_is_noticed(position: int) -> None:
    envelope = json.loads(RING.seal(bytes(14), kind="k"))
    cipher = list(envelope["c"])
    cipher[position] = "A" if cipher[position] != "A" else "B"
    forged = json.dumps(envelope | {"c": "".join(cipher)}).encode()
    with pytest.raises(SealError):
        RING.open(forged, kind="k")


@given(st.binary())
def test_what_is_no_envelope_is_an_error(rubbish: bytes) -> None:
    with pytest.raises(SealError):
        RING.open(rubbish, kind="k")


def test_an_unknown_key_is_named() -> None:
    envelope = Ring({"z": bytes(32)}, "z").seal(b"x", kind="k")
    with pytest.raises(SealError, match="key z"):
        RING.open(envelope, kind="k")


def test_rotation_opens_old_envelopes_until_the_key_is_retired() -> None:
    old = RING.seal(b"x", kind="k")
    ring = RING.added()
    assert ring.open(old, kind="k") == b"x"
    assert not ring.is_current(old)
    assert ring.is_current(ring.seal(b"x", kind="k"))
    with pytest.raises(SealError):
        ring.retired("a").open(old, kind="k")


def test_the_primary_key_cannot_be_retired() -> None:
    with pytest.raises(SealError, match="primary"):
        RING.retired("a")


def test_a_bar_in_kind_or_app_is_refused() -> None:
    with pytest.raises(SealError):
        RING.seal(b"", kind="k", app="a|b")


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(SealError, match="32 bytes"):
        Ring({"a": b"short"}, "a")


def test_a_ring_comes_back_from_its_file(tmp_path: Path) -> None:
    made = Ring.create(tmp_path / "ring")
    envelope = made.seal(b"x", kind="k")
    assert Ring.load(tmp_path / "ring").open(envelope, kind="k") == b"x"
    assert (tmp_path / "ring").stat().st_mode & 0o777 == 0o600


def test_an_existing_ring_is_not_overwritten(tmp_path: Path) -> None:
    Ring.create(tmp_path / "ring")
    with pytest.raises(SealError, match="exists"):
        Ring.create(tmp_path / "ring")


def test_a_saved_ring_takes_the_place_of_the_former(tmp_path: Path) -> None:
    first = Ring.create(tmp_path / "ring")
    first.added().save(tmp_path / "ring")
    assert len(Ring.load(tmp_path / "ring").ids) == 2
    assert list(tmp_path.iterdir()) == [tmp_path / "ring"]


def test_a_ring_that_others_may_read_is_refused(tmp_path: Path) -> None:
    Ring.create(tmp_path / "ring")
    (tmp_path / "ring").chmod(0o640)
    with pytest.raises(SealError, match="chmod 600"):
        Ring.load(tmp_path / "ring")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"primary":"a","keys":{"a":"x"}}', '{"primary":"a","keys":[]}']
)
def test_a_file_that_is_no_ring_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ring"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SealError, match="ring"):
        Ring.load(path)


def test_a_missing_ring_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SealError, match="No such file"):
        Ring.load(tmp_path / "ring")


def test_a_ring_shows_no_keys() -> None:
    assert repr(RING) == "Ring(primary='a', keys=['a', 'b'])"

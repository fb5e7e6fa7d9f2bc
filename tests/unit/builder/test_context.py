"""The build context, edited while it flows through."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.builder.context import ContextEditor, ContextError, with_commit
from deis_control.builder.dockerignore import keeps


def make_archive(files: Mapping[str, bytes], *, format: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive as git writes it: a global header, folders, files."""
    out = io.BytesIO()
    headers = {"comment": "c" * 40} if format == tarfile.PAX_FORMAT else {}
    with tarfile.open(fileobj=out, mode="w", format=format, pax_headers=headers) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def edited(archive: bytes, *, piece: int = 10_000, ignore: bytes = b"") -> dict[str, bytes]:
    editor = ContextEditor(b"FROM scratch\n", keeps(ignore))
    pieces = [editor.begin, *cut(archive, piece, editor)]
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        found = [(entry.name, tar.extractfile(entry)) for entry in tar]
        assert len({name for name, _ in found}) == len(found)
        return {name: file.read() for name, file in found if file is not None}


def cut(archive: bytes, piece: int, editor: ContextEditor) -> Iterator[bytes]:
    for start in range(0, len(archive), piece):
        yield from editor.feed(archive[start : start + piece])


def test_the_commit_is_appended_to_the_dockerfile() -> None:
    assert with_commit(b"FROM scratch", "c" * 40) == b"FROM scratch\nENV GIT_SHA %s\n" % (b"c" * 40)


@pytest.mark.parametrize("piece", [1, 511, 512, 513, 10_000])
def test_the_dockerfile_is_replaced_and_the_rest_passes(piece: int) -> None:
    files = {"Dockerfile": b"old", "a": b"x" * 1000, "sub/Dockerfile": b"kept", "empty": b""}
    assert edited(make_archive(files), piece=piece) == {
        **files,
        "Dockerfile": b"FROM scratch\n",
    }


def test_long_names_and_their_extended_headers_stay_together() -> None:
    files = {"Dockerfile": b"old", f"{'d' * 120}/{'f' * 150}": b"long", "after": b"y"}
    assert edited(make_archive(files))[f"{'d' * 120}/{'f' * 150}"] == b"long"


def test_a_dockerfile_that_is_a_link_goes_with_its_extended_header() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        link = tarfile.TarInfo("Dockerfile")
        link.type, link.linkname = tarfile.SYMTYPE, "t" * 150
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("next"), io.BytesIO())
    assert edited(out.getvalue()) == {"Dockerfile": b"FROM scratch\n", "next": b""}


def test_names_with_a_prefix_field_are_read_whole() -> None:
    name = f"{'p' * 90}/{'n' * 60}"
    archive = make_archive({name: b"x", "b": b"y"}, format=tarfile.USTAR_FORMAT)
    assert edited(archive, ignore=f"{'p' * 90}".encode()).keys() == {"Dockerfile", "b"}


def test_what_dockerignore_names_is_left_out() -> None:
    files = {"a.log": b"x" * 600, "keep": b"y", "node_modules/x/y": b"z", ".dockerignore": b""}
    ignore = b"*.log\nnode_modules\n"
    assert edited(make_archive(files), ignore=ignore).keys() == {
        "Dockerfile",
        "keep",
        ".dockerignore",
    }


def test_an_endless_extended_header_is_refused() -> None:
    header = bytearray(make_archive({"f" * 200: b""}, format=tarfile.PAX_FORMAT)[:512])
    header[124:136] = b"77777777777\0"
    with pytest.raises(ContextError):
        list(ContextEditor(b"", keeps(b"")).feed(bytes(header)))


@given(st.binary(max_size=3000))
def test_any_bytes_pass_or_are_refused(data: bytes) -> None:
    editor = ContextEditor(b"", keeps(b""))
    with suppress(ContextError):
        assert len(b"".join(editor.feed(data))) <= len(data)

"""The build context: git's tar archive of a commit, edited while it flows through. PURE.

The Dockerfile is put in front with the commit's name appended (builder.md section 5, step 4) and
git's own entry of it is left out, as is what `.dockerignore` names. Everything else passes byte
for byte: names, links and modes are data for the Docker Engine, which keeps them inside its build.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deis_control.builder.errors import BuilderError

BLOCK = 512
DOCKERFILE = "Dockerfile"
_HEADER_LIMIT = 1024 * 1024
"""Bytes of one extended header; git writes a path and a link target, no more."""
_ZEROS = bytes(BLOCK)


class ContextError(BuilderError):
    """The archive is not one that git writes."""


def with_commit(dockerfile: bytes, commit: str) -> bytes:
    """The Dockerfile that sets `GIT_SHA` in the image."""
    return dockerfile + f"\nENV GIT_SHA {commit}\n".encode()


def file_entry(name: str, content: bytes) -> bytes:
    """A regular file as a tar entry; the name is at most 100 bytes."""
    header = bytearray(BLOCK)
    fields = (
        (0, name.encode()),
        (100, b"0000644\0"),
        (108, b"0000000\0"),
        (116, b"0000000\0"),
        (124, b"%011o\0" % len(content)),
        (136, b"00000000000\0"),
        (148, b"        "),
        (156, b"0"),
        (257, b"ustar\x0000"),
    )
    for offset, value in fields:
        header[offset : offset + len(value)] = value
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content + bytes(-len(content) % BLOCK)


@dataclass(slots=True)
class _Entry:
    """What is known of the entry whose data is flowing."""

    left: int = 0
    """Bytes of data and padding still to come."""
    passes: bool = True


class ContextEditor:
    """Takes git's archive in pieces of any size and gives the context in pieces."""

    def __init__(self, dockerfile: bytes, kept: Callable[[str], bool]) -> None:
        self._kept = kept
        self._rest = b""
        self._entry = _Entry()
        self._extended = b""
        """Extended headers that belong to the next entry, as they came."""
        self._extending = 0
        """Bytes of an extended header's data still to come."""
        self._long_name: str | None = None
        self.begin = file_entry(DOCKERFILE, dockerfile)
        """What goes before the first piece."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The part of the context that this piece of the archive makes known."""
        data = self._rest + piece
        at = 0
        while at < len(data):
            if self._entry.left:
                end = min(len(data), at + self._entry.left)
                self._entry.left -= end - at
                if self._entry.passes:
                    yield data[at:end]
            elif len(data) - at < BLOCK:
                break
            else:
                end = at + BLOCK
                yield from self._block(data[at:end])
            at = end
        self._rest = data[at:]

    def _block(self, block: bytes) -> Iterator[bytes]:
        """One block outside of a file's data: a header, or a part of an extended one."""
        if self._extending:
            self._extended += block
            self._extending = max(0, self._extending - BLOCK)
            if not self._extending:
                self._long_name = _path_of(self._extended)
        elif block == _ZEROS:
            yield block
        elif block[156:157] in b"xg":
            self._extend(block)
        else:
            yield from self._begin(block)

    def _extend(self, block: bytes) -> None:
        size = _size(block)
        if size + len(self._extended) > _HEADER_LIMIT:
            raise ContextError("an extended header of the archive is too large")
        self._extended += block
        self._extending = size

    def _begin(self, header: bytes) -> Iterator[bytes]:
        """A new entry: decide whether it passes."""
        name = self._long_name or _name(header)
        size = _size(header)
        passes = name != DOCKERFILE and self._kept(name)
        self._entry = _Entry(left=size + -size % BLOCK, passes=passes)
        if passes:
            yield self._extended + header
        self._extended, self._long_name = b"", None


def _name(header: bytes) -> str:
    name = header[:100].rstrip(b"\0")
    prefix = header[345:500].rstrip(b"\0")
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "surrogateescape")


def _size(header: bytes) -> int:
    """An entry's size in bytes: octal digits, or binary for what they cannot hold."""
    field = header[124:136]
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.rstrip(b"\0 ") or b"0", 8)
    except ValueError as err:
        raise ContextError("the archive holds an entry without a size") from err


def _path_of(extended: bytes) -> str | None:
    """The `path` record of the last extended header, if it has one."""
    size = 0
    at = 0
    found: str | None = None
    while at < len(extended):
        size = _size(extended[at : at + BLOCK])
        if extended[at + 156 : at + 157] == b"x":
            found = _record(extended[at + BLOCK : at + BLOCK + size], b"path") or found
        at += BLOCK + size + -size % BLOCK
    return found


def _record(data: bytes, key: bytes) -> str | None:
    """One record of an extended header's data: `<length> <key>=<value>` and a line end."""
    while data:
        length, _, rest = data.partition(b" ")
        if not length.isdigit() or int(length) <= len(length):
            raise ContextError("an extended header of the archive is garbled")
        record, data = rest[: int(length) - len(length) - 1], data[int(length) :]
        name, _, value = record.partition(b"=")
        if name == key:
            return value.removesuffix(b"\n").decode("utf-8", "surrogateescape")
    return None

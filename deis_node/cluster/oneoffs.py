"""A one-off command's secrets on their way between leader and agent: arguments there, output back.

Both are sealed in etcd, because both may hold what a config holds. A piece of output is bound to
its command and to its place, so that pieces of two commands are never taken for one output.
"""

import json
from collections.abc import Iterator, Sequence

from deis_node.cluster.names import CopyName
from deis_node.cluster.seal import Ring, SealError

PIECE = 360 * 1024
"""Bytes of output in one key; sealed they stay below 512 KiB."""

_COMMAND = "run-command"


def seal_command(ring: Ring, copy: CopyName, arguments: Sequence[str]) -> str:
    """The arguments as a placement carries them."""
    plain = json.dumps(list(arguments), ensure_ascii=False).encode()
    return ring.seal(plain, kind=_COMMAND, app=copy.app, release=copy.release).decode()


def open_command(ring: Ring, copy: CopyName, sealed: str) -> tuple[str, ...]:
    """The arguments; SealError."""
    plain = ring.open(sealed.encode(), kind=_COMMAND, app=copy.app, release=copy.release)
    return tuple(str(item) for item in json.loads(plain))


def seal_output(ring: Ring, app: str, uuid: str, output: bytes) -> Iterator[bytes]:
    """The output in sealed pieces, in their order; none for an empty one."""
    for number, start in enumerate(range(0, len(output), PIECE)):
        piece = output[start : start + PIECE]
        yield ring.seal(piece, kind=_piece(uuid, number), app=app)


def open_output(ring: Ring, app: str, uuid: str, pieces: Sequence[bytes]) -> bytes:
    """The output; SealError when a piece is of another command or another place."""
    opened = (
        ring.open(piece, kind=_piece(uuid, number), app=app) for number, piece in enumerate(pieces)
    )
    return b"".join(opened)


def _piece(uuid: str, number: int) -> str:
    if "|" in uuid:
        raise SealError("a uuid may hold no |")
    return f"run-output {uuid} {number}"

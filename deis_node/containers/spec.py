"""A placement as the Docker Engine's create body, and the engine's refusals as sentences. PURE.

Source of the rules: semantics.md section 8.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Placement
from deis_node.docker.errors import StartFault, start_fault
from deis_node.docker.marks import Published, environment, labels_of

_PORT = re.compile(r"[0-9]{1,5}")
_PROGRAM = re.compile(r'exec: \\*"([^"\\]+)')
"""The program in a runtime's complaint: `exec: "/bin/sh": stat /bin/sh: no such file …`."""

TAIL_LIMIT = 4096
"""Bytes of an ended container's last log lines that are kept."""


@dataclass(frozen=True, slots=True)
class Logging:
    """How the Docker Engine keeps a container's log: rotated at `size`, `files` of them."""

    size: str = "50m"
    files: int = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container runs: the platform's id, the host's name and private address."""

    platform: str
    host: str
    address: str


def container_port(
    name: CopyName, env: Mapping[str, str], exposed: tuple[tuple[int, str], ...]
) -> int | None:
    """The port that the copy is reached on; None for one that nobody reaches.

    Only routable copies are reached. The user's `PORT` goes before what the image exposes.
    """
    if not name.routable:
        return None
    text = env.get("PORT", "").strip()
    if _PORT.fullmatch(text) and 0 < int(text) < 65536:
        return int(text)
    return min((port for port, protocol in exposed if protocol == "tcp"), default=None)


def body(
    placement: Placement,
    env: Mapping[str, str],
    place: Place,
    port: Published | None,
    logging: Logging,
) -> dict[str, Any]:
    """The body of the Docker Engine's `POST /containers/create`.

    The engine itself never restarts a container: that is the runner's, who counts and tells.
    """
    host: dict[str, Any] = {
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": logging.size, "max-file": str(logging.files)},
        },
    }
    if placement.memory:
        host |= {"Memory": placement.memory, "MemorySwap": -1}
    if placement.cpu:
        host["CpuShares"] = placement.cpu
    if placement.pids:
        host["PidsLimit"] = placement.pids
    made: dict[str, Any] = {
        "Image": placement.image,
        "Env": environment(placement, env, place.host),
        "Labels": labels_of(placement, place.platform, port),
        "HostConfig": host,
    }
    if placement.entrypoint is not None:
        made["Entrypoint"] = list(placement.entrypoint)
    if placement.command is not None:
        made["Cmd"] = list(placement.command)
    if port is not None:
        inside = f"{port.inside}/tcp"
        binding = {"HostIp": place.address, "HostPort": str(port.host)}
        made["ExposedPorts"] = {inside: {}}
        host["PortBindings"] = {inside: [binding]}
    return made


def explain(text: str, placement: Placement) -> str:
    """The engine's refusal to make or start a container, as a sentence for people."""
    if "no command specified" in text.lower():
        return f"the image names no command, and the app names none for {placement.type}"
    if start_fault(text) is StartFault.NO_EXECUTABLE:
        return _lacking(text)
    return f"the Docker Engine could not start the container: {text}"


def is_unknown_image(text: str) -> bool:
    """Whether a registry's refusal says that it has no such image, so that waiting is no use."""
    lowered = text.lower()
    return any(mark in lowered for mark in ("manifest unknown", "name unknown", "not found"))


def _lacking(text: str) -> str:
    named = _PROGRAM.search(text)
    if named is None:
        return f"the image lacks the program that it shall run: {text}"
    if named[1] == "/bin/sh":
        return "the image has no /bin/sh, which runs its Procfile commands"
    return f"the image has no program {named[1]}"


def last_lines(lines: tuple[str, ...], limit: int = TAIL_LIMIT) -> tuple[str, ...]:
    """The last of the lines that fit into `limit` bytes; the first of them may be cut."""
    kept: list[str] = []
    room = limit
    for line in reversed(lines):
        encoded = line.encode(errors="replace")
        if len(encoded) > room:
            if not kept:
                kept.append(encoded[-room:].decode(errors="ignore"))
            break
        kept.append(encoded.decode())
        room -= len(encoded) + 1
    return tuple(reversed(kept))


def exit_sentence(process: str, code: int, signal: int | None, oom: bool) -> str:
    """How a container ended, as a sentence: `web.1 exited with code 1`."""
    if oom:
        return f"{process} ran out of memory"
    if signal is not None:
        return f"{process} was ended by signal {signal}"
    return f"{process} exited with code {code}"


def exit_signal(code: int) -> int | None:
    """The signal that an exit code tells of, as shells and Docker count: 128 and the signal."""
    return code - 128 if 128 < code <= 128 + 64 else None

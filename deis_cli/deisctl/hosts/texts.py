"""Hosts and moves in words. PURE."""

from collections.abc import Mapping
from typing import Any

COLUMNS = ("name", "state", "zone", "copies", "processors", "memory", "arch", "roles", "tags")

_UNITS = ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K"))

_ZONE = "zone"


def state_of(host: Mapping[str, Any]) -> str:
    """`ready`, or what speaks against it."""
    words = [] if host["alive"] else ["gone"]
    if host["draining"]:
        words.append("draining")
    elif host["cordoned"]:
        words.append("cordoned")
    return ", ".join(words) or "ready"


def row_of(host: Mapping[str, Any]) -> list[str]:
    """A host's line in the list, by COLUMNS: what its copies reserve, of what there is."""
    tags = {key: value for key, value in host["tags"].items() if key != _ZONE}
    return [
        host["name"],
        state_of(host),
        host["zone"] or "-",
        str(host["copies"]),
        f"{host['cpus_reserved']:g}/{host['cpus']:g}",
        f"{size(host['memory_reserved'])}/{size(host['memory'])}",
        host["arch"] or "-",
        ",".join(host["roles"]) or "-",
        tags_text(tags) or "-",
    ]


def facts_of(host: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A host's facts: label and text; what is not known is left out."""
    facts = [
        ("state", state_of(host)),
        ("address", host["address"] or ""),
        ("roles", ", ".join(host["roles"])),
        ("zone", host["zone"]),
        ("tags", tags_text(host["tags"])),
        ("arch", host["arch"]),
        ("copies", str(host["copies"])),
        ("processors", f"{host['cpus_reserved']:g} of {host['cpus']:g} reserved"),
        ("memory", f"{size(host['memory_reserved'])} of {size(host['memory'])} reserved"),
        ("agent", host["agent_version"]),
    ]
    return [(label, text) for label, text in facts if text]


def tags_text(tags: Mapping[str, str]) -> str:
    """`disk=ssd,rack=1`."""
    return ",".join(f"{key}={tags[key]}" for key in sorted(tags))


def move_text(move: Mapping[str, Any]) -> str:
    """`hello web.3: host-1 → host-2 (why)`."""
    return f"{move['app']} {move['process']}: {move['from']} → {move['to']} ({move['why']})"


def size(count: int) -> str:
    """Bytes as `512M` or `7.8G`; `-` when not known."""
    for unit, letter in _UNITS:
        if count >= unit:
            return f"{round(count / unit, 1):g}{letter}"
    return str(count)

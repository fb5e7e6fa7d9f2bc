"""What a router took in, on disk, so that it can start while etcd is away.

A file of JSON lines, 0600: each a key with its value, or a key that is gone; the last line of a
key counts. Changes are appended, off the event loop; the file is written anew when half of it is
history. It holds no fsync: after a crash of the whole host the endpoints are old news anyway.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.router.intake import DOMAIN, SETTINGS, SUBDOMAIN
from deis_node.router.trust import Known

log = structlog.get_logger()

_WANTED = (keys.ROUTES, keys.SERVICES, keys.HOSTS, keys.CONTROLLER_HOSTS, SETTINGS)
_HISTORY = 1000

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What stood on disk."""

    items: tuple[KeyValue, ...]
    """In the order in which they were first seen."""
    known_hosts: Mapping[str, str]
    owners: Mapping[str, str]
    """Domains that more than one app names, and who has them."""


class Saved:
    """The file; `run` writes to it what the other methods were told."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: Known | None = None
        self._newest = 0
        self._revisions: dict[str, int] = {}
        self._hosts: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._pending: list[Line] = []
        self._lines = 0
        self._wake = asyncio.Event()

    @property
    def known(self) -> Known | None:
        """The store that was trusted last, and the newest revision seen of it."""
        if self._known is None:
            return None
        return replace(self._known, revision=max(self._known.revision, self._newest))

    async def load(self) -> Loaded:
        """Read the file; nothing when there is none. Lines that make no sense are left out."""
        lines, whole = await asyncio.to_thread(_read, self._path)
        # A line that was cut off must not swallow the next one: write the file anew.
        self._lines = len(lines) if whole else sys.maxsize
        kept = _last_of_each(lines)
        items = tuple(kv for line in kept if (kv := _key_value(line)))
        self._revisions = {kv.key: kv.mod_revision for kv in items}
        for line in lines:
            self._recall(line)
        return Loaded(items, dict(self._hosts), dict(self._owners))

    def full(self, items: Iterable[KeyValue]) -> None:
        """All keys, read anew; only what differs is written."""
        found = {kv.key: kv for kv in items if _wanted(kv.key)}
        for key in self._revisions.keys() - found.keys():
            self._forget(key, 0)
        for kv in found.values():
            if self._revisions.get(kv.key) != kv.mod_revision:
                self.put(kv)

    def put(self, kv: KeyValue) -> None:
        """A key has a new value."""
        if _wanted(kv.key):
            self._revisions[kv.key] = kv.mod_revision
            self._newest = max(self._newest, kv.mod_revision)
            value = kv.value.decode(errors="surrogateescape")
            order = [kv.create_revision, kv.mod_revision]
            self._add({"k": kv.key, "v": value, "r": order})

    def delete(self, kv: KeyValue) -> None:
        """A key is gone."""
        if kv.key in self._revisions:
            self._newest = max(self._newest, kv.mod_revision)
            self._forget(kv.key, kv.mod_revision)

    def hosts(self, known: Mapping[str, str]) -> None:
        """The hosts' addresses, to be remembered when their records are gone."""
        for name, address in known.items():
            if self._hosts.get(name) != address:
                self._hosts[name] = address
                self._add({"host": [name, address]})

    def owners(self, owners: Mapping[str, str]) -> None:
        """Who has the domains that more than one app names."""
        if owners != self._owners:
            self._owners = dict(owners)
            self._add({"owners": self._owners})

    def trust(self, known: Known) -> None:
        """The store that is trusted, and how far it has come."""
        if known.incarnation != (self._known.incarnation if self._known else None):
            self._newest = 0
        if known != self._known:
            self._known = known
            self._pending += self._known_line()
            self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what is pending. OSError when the disk refuses; it stays pending then."""
        lines, self._pending = self._pending, []
        try:
            if self._lines + len(lines) > 2 * len(self._revisions) + _HISTORY:
                known = self._known_line()
                self._lines = await asyncio.to_thread(_rewrite, self._path, [*lines, *known])
            elif lines:
                await asyncio.to_thread(_append, self._path, lines)
                self._lines += len(lines)
        except BaseException:
            self._pending = lines + self._pending
            self._wake.set()
            raise

    def _known_line(self) -> list[Line]:
        known = self.known
        if known is None:
            return []
        return [{"known": [known.incarnation, known.revision, known.broken]}]

    def _recall(self, line: Line) -> None:
        if "k" in line:
            self._newest = max(self._newest, line["r"][1])
        elif "host" in line:
            self._hosts[line["host"][0]] = line["host"][1]
        elif "owners" in line:
            self._owners = dict(line["owners"])
        else:
            known = Known(*line["known"])
            if self._known is None or known.incarnation != self._known.incarnation:
                self._newest = 0
            self._known = known

    def _forget(self, key: str, revision: int) -> None:
        del self._revisions[key]
        self._add({"k": key, "r": [0, revision]})

    def _add(self, line: Line) -> None:
        self._pending.append(line)
        self._wake.set()


def _wanted(key: str) -> bool:
    return key.startswith(_WANTED) or key in (SUBDOMAIN, DOMAIN)


def _last_of_each(lines: Iterable[Line]) -> list[Line]:
    kept: dict[str, Line] = {}
    for line in lines:
        if "k" in line and "v" not in line:
            kept.pop(line["k"], None)
        elif "k" in line:
            kept[line["k"]] = line
        elif "host" in line:
            kept[f"host {line['host'][0]}"] = line
        else:
            kept[min(line)] = line
    return list(kept.values())


def _key_value(line: Line) -> KeyValue | None:
    if "v" not in line:
        return None
    created, modified = line["r"]
    value = line["v"].encode(errors="surrogateescape")
    return KeyValue(line["k"], value, created, modified, 1, 0)


def _read(path: Path) -> tuple[list[Line], bool]:
    """The lines, and whether all of them are whole."""
    found: list[Line] = []
    whole = True
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return found, True
    for row in text.splitlines():
        try:
            found.append(_checked(json.loads(row)))
        except (ValueError, TypeError, KeyError, AttributeError):
            whole = False
    if not whole:
        log.warning("saved routes: lines are unreadable", path=str(path))
    return found, whole and text.endswith("\n")


def _checked(line: Any) -> Line:
    """The line, if it has the form of one of ours; some error else."""
    if "k" in line:
        created, modified = line["r"]
        fits = isinstance(line["k"], str) and isinstance(created + modified, int)
        fits = fits and isinstance(line.get("v", ""), str)
    elif "host" in line:
        fits = [str, str] == [type(item) for item in line["host"]]
    elif "known" in line:
        fits = [str, int, bool] == [type(item) for item in line["known"]]
    else:
        fits = all(isinstance(item, str) for pair in line["owners"].items() for item in pair)
    if not fits:
        raise ValueError("not a line of ours")
    checked: Line = line
    return checked


def _text(lines: Iterable[Line]) -> bytes:
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()


def _append(path: Path, lines: Iterable[Line]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
        file.write(_text(lines))


def _rewrite(path: Path, lines: list[Line]) -> int:
    kept = _last_of_each([*_read(path)[0], *lines])
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_text(kept))
    aside.replace(path)
    return len(kept)

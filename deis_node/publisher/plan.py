"""What the cluster shall be told of a copy, and how urgent that is. PURE.

The records follow from what is there, whatever was written before; so it does not matter which
writes got lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from deis_node.cluster.names import CopyName, parse_container
from deis_node.cluster.records import (
    Endpoint,
    Instance,
    LastExit,
    Phase,
    Placement,
    PlacementState,
    Prepared,
    RecordError,
)
from deis_node.docker.model import Health

INSTANCE_LIMIT = 8192
"""Bytes of an instance record."""
ERROR_LIMIT = 1000
"""Characters of a reason in it."""


class Copy(Protocol):
    """What the publisher must know of a copy."""

    @property
    def name(self) -> CopyName:
        """Which copy it is."""

    @property
    def placement(self) -> Placement | None:
        """What is wanted; None for a container that nobody asks for."""

    @property
    def revision(self) -> int:
        """The placement's mod_revision; 0 while the store does not hold it as we do."""

    @property
    def epoch(self) -> int:
        """Another one means that nothing is known any more of what the store holds."""

    @property
    def dismissed(self) -> bool:
        """Whether a trusted store has no placement for it."""

    @property
    def known(self) -> bool:
        """Whether the Docker Engine has been asked about it yet."""

    @property
    def phase(self) -> Phase:
        """How far it is."""

    @property
    def container_id(self) -> str | None:
        """The container, if there is one."""

    @property
    def run(self) -> str | None:
        """Another one for each start of the container; None while it does not run."""

    @property
    def address(self) -> str | None:
        """`ip:port` of the container itself; None for one without a port."""

    @property
    def public(self) -> str | None:
        """`ip:port` on the host that leads there."""

    @property
    def health(self) -> Health | None:
        """The Docker Engine's word on the run, where that counts; None where we ask."""

    @property
    def restarts(self) -> int:
        """How often it ended under this agent."""

    @property
    def last_exit(self) -> LastExit | None:
        """How it ended last under this agent."""

    @property
    def error(self) -> str | None:
        """Why it does not run."""

    @property
    def prepared(self) -> Prepared | None:
        """What is ready for another scheduling engine to make its container."""


class Changes(Protocol):
    """A reader's own list of copies that changed."""

    async def next(self) -> frozenset[str]:
        """The container names of those that changed since the last call; waits for the first."""


class CopySource(Protocol):
    """Where the copies of this host are known."""

    def get(self, container: str) -> Copy | None:
        """One copy; None when it is gone."""

    def subscribe(self) -> Changes:
        """A list of changes, at first of every copy there is."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the probe of one run of a container says."""

    run: str
    ready: bool
    error: str | None = None
    """Why it is not ready, as a sentence."""


def engines_verdict(run: str, health: Health) -> Verdict:
    """What the image's own health check says of a run."""
    if health is Health.HEALTHY:
        return Verdict(run, ready=True)
    starting = health is Health.STARTING
    words = "has not passed yet" if starting else "fails"
    return Verdict(run, ready=False, error=f"the image's health check {words}")


@dataclass(frozen=True, slots=True)
class Held:
    """What etcd holds of a copy, as read or written at a placement's revision."""

    epoch: int
    revision: int
    instance: bytes | None = None
    endpoint: bytes | None = None
    foreign: bool = False
    """The endpoint is another host's: it is not ours to touch."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What etcd shall hold of a copy."""

    instance: Instance
    endpoint: Endpoint | None


def wanted(
    copy: Copy, placement: Placement, verdict: Verdict | None, host: str, before: Instance | None
) -> Wanted:
    """The records of a copy; `before` is what a former agent left, for counts to go on."""
    known = verdict if verdict is not None and verdict.run == copy.run else None
    ready = copy.phase is Phase.RUNNING and known is not None and known.ready
    error = copy.error or (None if known is None else known.error)
    instance = Instance(
        phase=copy.phase,
        ready=ready,
        address=copy.public,
        container_id=copy.container_id,
        restarts=copy.restarts + (0 if before is None else before.restarts),
        last_exit=copy.last_exit or (None if before is None else before.last_exit),
        error=None if error is None else error[:ERROR_LIMIT],
        prepared=copy.prepared,
    )
    endpoint = None
    serves = ready and placement.state is PlacementState.RUN and copy.name.routable
    if serves and copy.public is not None:
        endpoint = Endpoint(copy.public, host, copy.name.release, copy.name.generation)
    return Wanted(fitting(instance), endpoint)


def fitting(instance: Instance) -> Instance:
    """The record with as many of its last log lines as its bound allows."""
    while len(instance.to_bytes()) > INSTANCE_LIMIT:
        last = instance.last_exit
        if last is None or not last.lines:
            return instance
        fewer = last.lines[1:] or (last.lines[0][-len(last.lines[0]) // 2 :],)
        if fewer == last.lines:
            fewer = ()
        instance = replace(instance, last_exit=replace(last, lines=fewer))
    return instance


def hurries(held: Held, want: Wanted) -> bool:
    """Whether somebody waits for the news: users, the leader, or whoever reads why it failed."""
    if _endpoint_bytes(want) != held.endpoint and not held.foreign:
        return True
    before = parsed(held.instance)
    now = want.instance
    if before is None:
        return True
    first_exit = before.last_exit is None and now.last_exit is not None
    end = now.phase in _ENDS and before.phase is not now.phase
    return before.ready is not now.ready or first_exit or end


def differs(held: Held, want: Wanted) -> bool:
    """Whether etcd holds something else than it shall."""
    if held.instance != want.instance.to_bytes():
        return True
    return not held.foreign and held.endpoint != _endpoint_bytes(want)


def _endpoint_bytes(want: Wanted) -> bytes | None:
    return None if want.endpoint is None else want.endpoint.to_bytes()


def parsed(value: bytes | None) -> Instance | None:
    """An instance as etcd holds it; one that cannot be read counts as missing."""
    try:
        return None if value is None else Instance.from_bytes(value)
    except RecordError:
        return None


def is_foreign(value: bytes | None, host: str) -> bool:
    """Whether an endpoint is another host's; one that cannot be read is nobody's."""
    try:
        return value is not None and Endpoint.from_bytes(value).host != host
    except RecordError:
        return False


def strangers(instances: Mapping[str, object], followed: frozenset[str]) -> tuple[CopyName, ...]:
    """The copies that etcd has an instance of and this host knows nothing about."""
    names = (parse_container(name) for name in sorted(instances.keys() - followed))
    return tuple(name for name in names if name is not None)


_ENDS = frozenset({Phase.FAILED, Phase.CRASHED, Phase.ENDED, Phase.STOPPED})

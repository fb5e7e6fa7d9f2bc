"""The engine of a Docker Swarm: a copy is a service of one task, bound to our planner's host. PURE.

Placements stay the truth. A host prepares image and port of a copy and says so in its instance;
then the leader makes the service, and removes it when the placement says `stop` or is gone. Of
Swarm's own placing, updating and draining nothing is used (docs/decisions/0050).
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from deis_control.scheduler.world import SHARES, Placed
from deis_node.cluster.records import SWARM, Placement, PlacementState, Prepared
from deis_node.docker import labels, marks
from deis_node.docker.marks import Published
from deis_node.docker.services import Service, Task

RESTART_DELAY = 2.0
"""Seconds before Swarm makes another container for a copy whose container ended."""

_NANO = 1_000_000_000
_READABLE = 40
"""Characters of a service's name that are for people; Swarm's bound for all of it is 63."""
_LOG = {"Name": "json-file", "Options": {"max-size": "50m", "max-file": "2"}}
"""As the agents have their own containers' logs kept; they read them from there."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A copy that Swarm shall run, and what its host has ready for it."""

    placed: Placed
    prepared: Prepared | None
    """None while the host has not said so for this very placement."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to have Swarm do: removals come first, for they free names."""

    remove: tuple[Service, ...] = ()
    make: tuple[Wish, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.remove or self.make)


def wish_of(placed: Placed, prepared: Prepared | None) -> Wish | None:
    """The wish that a placement is; None for one of another engine, and for one that ends."""
    placement = placed.placement
    if placement.engine != SWARM or placement.state is PlacementState.STOP:
        return None
    mine = prepared is not None and prepared.uuid == placement.uuid
    return Wish(placed, prepared if mine else None)


def plan(wishes: Collection[Wish], services: Collection[Service]) -> Plan:
    """What differs between the wishes and the services of this platform.

    A copy that is withdrawn before it was made is not made any more. The epochs that services
    bear are not compared: they come from PostgreSQL, which may have been restored to an older
    state. That the services are not a later leader's is for the caller to make sure.
    """
    wanted = {wish.placed.placement.uuid for wish in wishes}
    made = {service.labels.get(labels.PLACEMENT, "") for service in services}
    return Plan(
        remove=tuple(
            service for service in services if service.labels.get(labels.PLACEMENT) not in wanted
        ),
        make=tuple(
            wish
            for wish in wishes
            if wish.prepared is not None
            and wish.placed.runs
            and wish.placed.placement.uuid not in made
        ),
    )


def awaited(wishes: Collection[Wish], services: Collection[Service]) -> dict[str, Wish]:
    """The services, by id, that have no container on their hosts yet."""
    waiting = {wish.placed.placement.uuid: wish for wish in wishes if wish.prepared is not None}
    found = {item.id: waiting.get(item.labels.get(labels.PLACEMENT, "")) for item in services}
    return {identity: wish for identity, wish in found.items() if wish is not None}


def troubles(waiting: Mapping[str, Wish], tasks: Collection[Task]) -> list[tuple[str, str]]:
    """App and sentence for each copy that Swarm cannot run, by its newest try that says why."""
    newest: dict[str, Task] = {}
    for item in sorted(tasks, key=lambda item: item.made):
        if item.error and item.service in waiting:
            newest[item.service] = item
    copies = {identity: waiting[identity].placed.copy for identity in newest}
    return [
        (copy.app, f"Docker Swarm cannot run {copy.process} yet: {newest[identity].error}")
        for identity, copy in sorted(copies.items())
    ]


def service_name(platform: str, container: str) -> str:
    """The service's name: always the same for a copy, and a DNS label, which no copy's own is."""
    readable = re.sub(r"[^a-z0-9]+", "-", container.lower()).strip("-")[:_READABLE].rstrip("-")
    digest = hashlib.sha256(f"{platform}/{container}".encode()).hexdigest()[:16]
    return f"{readable}-{digest}"


def service(wish: Wish, env: Mapping[str, str], platform: str, epoch: int) -> dict[str, Any]:
    """The body of a manager's `POST /services/create`, for a wish that is prepared.

    It holds config values: never log it.
    """
    assert wish.prepared is not None, "a host prepares what is made"
    placement, host, prepared = wish.placed.placement, wish.placed.host, wish.prepared
    port = None
    if prepared.port is not None and prepared.inside is not None:
        port = Published(inside=prepared.inside, host=prepared.port)
    container = marks.labels_of(placement, platform, port)
    made: dict[str, Any] = {
        "Name": service_name(platform, placement.copy.container),
        "Labels": {**container, labels.EPOCH: str(epoch)},
        "TaskTemplate": {
            "ContainerSpec": _container(placement, env, host, container),
            "RestartPolicy": {"Condition": "any", "Delay": int(RESTART_DELAY * _NANO)},
            "Placement": {"Constraints": [f"node.hostname=={host}"]},
            "Resources": _resources(placement),
            "LogDriver": _LOG,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
    }
    if port is not None:
        published = {
            "Protocol": "tcp",
            "TargetPort": port.inside,
            "PublishedPort": port.host,
            "PublishMode": "host",
        }
        made["EndpointSpec"] = {"Mode": "dnsrr", "Ports": [published]}
    return made


def _container(
    placement: Placement, env: Mapping[str, str], host: str, carried: Mapping[str, str]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Image": placement.image,
        "Labels": dict(carried),
        "Env": [literally(text) for text in marks.environment(placement, env, host)],
        "StopGracePeriod": int(placement.grace * _NANO),
    }
    if placement.entrypoint is not None:
        made["Command"] = list(placement.entrypoint)
    if placement.command is not None:
        made["Args"] = list(placement.command)
    if not placement.copy.routable or placement.health is not None:
        # Where the image's own check does not count, Swarm must not end a copy for its sake.
        made["Healthcheck"] = {"Test": ["NONE"]}
    return made


def literally(text: str) -> str:
    """A text that Swarm's templates, which it fills in in environments, give back as it is."""
    return text.replace("{{", '{{"{{"}}')


def _resources(placement: Placement) -> dict[str, Any]:
    """Memory as a limit that is reserved; CPU shares as a reservation, for they limit nothing."""
    limits: dict[str, int] = {}
    reserved: dict[str, int] = {}
    if placement.memory:
        limits["MemoryBytes"] = reserved["MemoryBytes"] = placement.memory
    if placement.pids:
        limits["Pids"] = placement.pids
    if placement.cpu:
        reserved["NanoCPUs"] = placement.cpu * _NANO // SHARES
    return {"Limits": limits, "Reservations": reserved}

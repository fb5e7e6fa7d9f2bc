"""What is asked about Docker Swarm and done to its services, of an engine that manages one.

An engine that is no manager answers as one that is away.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from deis_node.docker.streams import container_path
from deis_node.docker.wire import Wire


@dataclass(frozen=True, slots=True)
class Service:
    """One line of the list of services."""

    id: str
    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Task:
    """One try of Swarm's to run a service."""

    service: str
    """The service's id."""
    state: str
    """In Swarm's words: `pending`, `running`, `failed`, `rejected`, …"""
    error: str
    """Why it does not run; empty while nothing is wrong."""
    made: str
    """RFC 3339."""


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the list of nodes."""

    hostname: str
    ready: bool
    """Whether the managers hear of it."""
    availability: str
    """What an operator wants of it: `active`, `pause` or `drain`."""


class ServiceCalls(Wire):
    """The part of `client.Docker` that is about services."""

    async def nodes(self) -> tuple[Node, ...]:
        """All nodes of the Swarm; Unavailable."""
        return tuple(node(entry) for entry in await self._ask("GET", "nodes") or ())

    async def services(self, label_filters: Mapping[str, str]) -> tuple[Service, ...]:
        """All services whose labels have these values; an empty value: any. Unavailable."""
        wanted = [f"{key}={value}" if value else key for key, value in label_filters.items()]
        params = {"filters": json.dumps({"label": wanted})}
        answer = await self._ask("GET", "services", params=params)
        return tuple(service(entry) for entry in answer or ())

    async def create_service(self, body: Mapping[str, Any]) -> str:
        """Make a service and give its id; Conflict when its name is taken.

        No credentials go along, and the manager asks no registry what the image's digest is.
        """
        answer = await self._ask("POST", "services/create", body=body)
        return str(answer["ID"])

    async def tasks(self, services: Collection[str]) -> tuple[Task, ...]:
        """All tries to run these services (ids); Unavailable."""
        if not services:
            return ()
        params = {"filters": json.dumps({"service": sorted(services)})}
        answer = await self._ask("GET", "tasks", params=params)
        return tuple(task(entry) for entry in answer or ())

    async def remove_service(self, identity: str) -> None:
        """Remove a service; its containers are ended in their own grace. NotFound."""
        await self._ask("DELETE", f"services/{container_path(identity)}")


def service(data: Mapping[str, Any]) -> Service:
    """Read one entry of `/services`."""
    spec: Mapping[str, Any] = data.get("Spec") or {}
    return Service(
        id=data["ID"], name=str(spec.get("Name", "")), labels=dict(spec.get("Labels") or {})
    )


def node(data: Mapping[str, Any]) -> Node:
    """Read one entry of `/nodes`."""
    status, spec = data.get("Status") or {}, data.get("Spec") or {}
    return Node(
        hostname=str((data.get("Description") or {}).get("Hostname", "")),
        ready=status.get("State") == "ready",
        availability=str(spec.get("Availability", "")),
    )


def task(data: Mapping[str, Any]) -> Task:
    """Read one entry of `/tasks`."""
    status: Mapping[str, Any] = data.get("Status") or {}
    return Task(
        service=str(data.get("ServiceID", "")),
        state=str(status.get("State", "")),
        error=str(status.get("Err") or ""),
        made=str(data.get("CreatedAt", "")),
    )

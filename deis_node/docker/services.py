"""What is asked about services of Docker Swarm and done to them, of an engine that manages one.

An engine that is no manager answers as one that is away.
"""

import json
from collections.abc import Mapping
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


class ServiceCalls(Wire):
    """The part of `client.Docker` that is about services."""

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

    async def remove_service(self, identity: str) -> None:
        """Remove a service; its containers are ended in their own grace. NotFound."""
        await self._ask("DELETE", f"services/{container_path(identity)}")


def service(data: Mapping[str, Any]) -> Service:
    """Read one entry of `/services`."""
    spec: Mapping[str, Any] = data.get("Spec") or {}
    return Service(
        id=data["ID"], name=str(spec.get("Name", "")), labels=dict(spec.get("Labels") or {})
    )

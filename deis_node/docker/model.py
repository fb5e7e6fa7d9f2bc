"""What a Docker Engine tells, as records, and how its JSON becomes them. PURE."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]

NEVER = "0001-01-01T00:00:00Z"
"""The engine's word for a time that has not come yet."""


class State(StrEnum):
    """A container's state in the engine's words; `unknown` for one that later engines add."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Health(StrEnum):
    """What the engine says of a container whose image brings a health check."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a Docker Engine says about itself and its host."""

    name: str
    version: str
    cpus: int
    memory: int
    """Bytes."""
    live_restore: bool
    arch: str = ""
    """What its images are built for, as they say it themselves: `amd64`, `arm64`."""
    root: str = ""
    """The folder that it keeps images in."""


@dataclass(frozen=True, slots=True)
class Container:
    """One line of the list of containers."""

    id: str
    name: str
    labels: Mapping[str, str]
    state: State
    status: str
    """For people: `Up 3 seconds`."""
    exit_code: int | None
    """Only of an exited container."""
    ip: str | None
    """The container's own address, while it runs."""
    created: int
    """Seconds since 1970."""
    image: str = ""
    health: Health | None = None
    """As the status has it; None when its image brings no health check."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a container, published on the host."""

    container_port: int
    protocol: str
    host_ip: str
    host_port: int


@dataclass(frozen=True, slots=True)
class ContainerInfo:
    """All that the platform asks about one container."""

    id: str
    name: str
    labels: Mapping[str, str]
    state: State
    exit_code: int
    oom_killed: bool
    error: str
    """Why it could not be started; empty otherwise."""
    pid: int
    """Of its first process on the host; 0 when it does not run."""
    started_at: str | None
    """RFC 3339 with nanoseconds, as `LogChunk.timestamp`; None before the first start."""
    finished_at: str | None
    ip: str | None
    ports: tuple[Port, ...]
    env: tuple[str, ...] = ()
    health: Health | None = None
    """None when its image brings no health check."""
    health_output: str = ""
    """What the last question of that check printed."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """One image in the engine's store."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    """`<repository>@sha256:…`, one for each repository it was pulled from or pushed to."""
    exposed_ports: tuple[tuple[int, str], ...]
    """(port, protocol), lowest first."""
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    size: int
    """Bytes."""
    created: str
    labels: Mapping[str, str] = field(default_factory=dict)
    arch: str = ""
    """What it is built for: `amd64`, `arm64`."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One line of the list of images."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    created: int
    """Seconds since 1970."""
    size: int
    """Bytes."""
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LogChunk:
    """One entry of a container's log."""

    stream: str
    """`stdout` or `stderr`."""
    timestamp: str
    """RFC 3339 with nanoseconds, as the engine wrote it."""
    line: bytes
    """Without its line end."""
    partial: bool = False
    """The line goes on in the next entry of the same stream (the engine cuts at 16 KiB)."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a container wrote, both streams in the order of its log."""

    data: bytes
    truncated: bool = False
    """Whether its beginning was cut off."""


@dataclass(frozen=True, slots=True)
class BuildLine:
    """A line that a build prints."""

    text: str


@dataclass(frozen=True, slots=True)
class Built:
    """The end of a build: the image's id."""

    image_id: str


_ARCHES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv6l": "arm",
    "armv7l": "arm",
    "i386": "386",
    "i686": "386",
}
"""A kernel's word for a machine → an image's word for the same."""


def image_arch(machine: str) -> str:
    """The architecture in the words of images, whoever's words it comes in."""
    return _ARCHES.get(machine, machine)


def engine_info(data: Json) -> EngineInfo:
    """Read the answer of `/info`."""
    return EngineInfo(
        name=str(data.get("Name", "")),
        version=str(data.get("ServerVersion", "")),
        cpus=int(data.get("NCPU", 0)),
        memory=int(data.get("MemTotal", 0)),
        live_restore=bool(data.get("LiveRestoreEnabled", False)),
        arch=image_arch(str(data.get("Architecture", ""))),
        root=str(data.get("DockerRootDir", "")),
    )


def container(data: Json) -> Container:
    """Read one entry of `/containers/json`."""
    names = data.get("Names") or [""]
    status = str(data.get("Status", ""))
    exited = re.match(r"Exited \((\d+)\)", status)
    health = re.search(r"\((?:health: )?(starting|healthy|unhealthy)\)$", status)
    return Container(
        id=data["Id"],
        name=str(names[0]).lstrip("/"),
        labels=dict(data.get("Labels") or {}),
        state=_state(data.get("State")),
        status=status,
        exit_code=int(exited[1]) if exited else None,
        ip=_address(data.get("NetworkSettings") or {}, _state(data.get("State"))),
        created=int(data.get("Created", 0)),
        image=str(data.get("Image", "")),
        health=Health(health[1]) if health else None,
    )


def container_info(data: Json) -> ContainerInfo:
    """Read the answer of `/containers/<id>/json`."""
    state: Json = data.get("State") or {}
    config: Json = data.get("Config") or {}
    network: Json = data.get("NetworkSettings") or {}
    return ContainerInfo(
        id=data["Id"],
        name=str(data.get("Name", "")).lstrip("/"),
        labels=dict(config.get("Labels") or {}),
        state=_state(state.get("Status")),
        exit_code=int(state.get("ExitCode", 0)),
        oom_killed=bool(state.get("OOMKilled", False)),
        error=str(state.get("Error", "")),
        pid=int(state.get("Pid", 0)),
        started_at=_time(state.get("StartedAt")),
        finished_at=_time(state.get("FinishedAt")),
        ip=_address(network, _state(state.get("Status"))),
        ports=_ports(network.get("Ports") or {}),
        env=tuple(config.get("Env") or ()),
        health=_health(state.get("Health") or {}),
        health_output=_health_output(state.get("Health") or {}),
    )


def image_info(data: Json) -> ImageInfo:
    """Read the answer of `/images/<reference>/json`."""
    config: Json = data.get("Config") or {}
    return ImageInfo(
        id=data["Id"],
        tags=tuple(data.get("RepoTags") or ()),
        digests=tuple(data.get("RepoDigests") or ()),
        exposed_ports=tuple(sorted(_split_port(text) for text in config.get("ExposedPorts") or {})),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        cmd=tuple(config.get("Cmd") or ()),
        size=int(data.get("Size", 0)),
        created=str(data.get("Created", "")),
        labels=dict(config.get("Labels") or {}),
        arch=image_arch(str(data.get("Architecture", ""))),
    )


def stored_image(data: Json) -> StoredImage:
    """Read one entry of `/images/json`; the engine's `<none>` placeholders are left out."""
    return StoredImage(
        id=data["Id"],
        tags=_named(data.get("RepoTags")),
        digests=_named(data.get("RepoDigests")),
        created=int(data.get("Created", 0)),
        size=int(data.get("Size", 0)),
        labels=dict(data.get("Labels") or {}),
    )


def _named(references: list[str] | None) -> tuple[str, ...]:
    return tuple(text for text in references or () if "<none>" not in text)


def _state(text: Any) -> State:
    try:
        return State(text)
    except ValueError:
        return State.UNKNOWN


def _health(data: Json) -> Health | None:
    try:
        return Health(data.get("Status", ""))
    except ValueError:
        return None


def _health_output(data: Json) -> str:
    asked = data.get("Log") or []
    return str(asked[-1].get("Output", "")) if asked else ""


def _time(text: str | None) -> str | None:
    return None if text in (None, "", NEVER) else text


def _address(network: Json, state: State) -> str | None:
    """The first address of any network, as a container here has one.

    The engine goes on telling the address of a container that could not be started.
    """
    if state not in (State.RUNNING, State.PAUSED):
        return None
    networks: Json = network.get("Networks") or {}
    found = (entry.get("IPAddress") for entry in networks.values())
    return next((str(ip) for ip in found if ip), None)


def _ports(data: Json) -> tuple[Port, ...]:
    ports = [
        Port(*_split_port(text), host_ip=bound["HostIp"], host_port=int(bound["HostPort"]))
        for text, bindings in data.items()
        for bound in bindings or ()
    ]
    return tuple(sorted(ports, key=lambda port: (port.container_port, port.host_port)))


def _split_port(text: str) -> tuple[int, str]:
    """`5000/tcp` → (5000, "tcp")."""
    number, _, protocol = text.partition("/")
    return int(number), protocol or "tcp"

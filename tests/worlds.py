"""The scheduler's worlds with valid defaults: a test names only what it is about."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zlib import crc32

from deis_control.model import App, Build, Config, ConfigData, Release, ReleaseState
from deis_control.model import Target as Live
from deis_control.scheduler.world import (
    HostSeen,
    Placed,
    Published,
    Routed,
    RouterSeen,
    Seen,
    Target,
    World,
)
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import (
    Endpoint,
    Instance,
    LastExit,
    Phase,
    PlacementState,
    Route,
)
from tests.builders import make_placement

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def make_copy(
    type: str = "web", num: int = 1, *, release: int = 2, generation: int = 1, app: str = "hello"
) -> CopyName:
    return CopyName(app, release, type, num, generation)


def make_placed(
    copy: CopyName | None = None,
    *,
    host: str = "host-1",
    state: PlacementState = PlacementState.RUN,
    revision: int = 10,
    **facts: Any,
) -> Placed:
    copy = copy or make_copy()
    parts = {
        "app": copy.app,
        "release": copy.release,
        "type": copy.type,
        "num": copy.num,
        "generation": copy.generation,
        "created": "2024-01-01T00:00:00UTC",
    }
    return Placed(host, make_placement(**parts | {"state": state} | facts), revision, revision)


def make_address(copy: CopyName) -> str:
    net = 0 if copy.app == "hello" else 1 + crc32(copy.app.encode()) % 254
    return f"10.0.{net}.{copy.num}:{20000 + copy.release * 100 + copy.generation}"


def make_instance(copy: CopyName | None = None, *, ready: bool = True, **facts: Any) -> Instance:
    copy = copy or make_copy()
    address = make_address(copy) if copy.routable else None
    fields: dict[str, Any] = {"phase": Phase.RUNNING, "ready": ready, "address": address}
    return Instance(**fields | facts)


def make_exit(code: int = 1, **facts: Any) -> LastExit:
    return LastExit(code, **facts)


def make_endpoint(copy: CopyName, host: str = "host-1") -> Endpoint:
    return Endpoint(make_address(copy), host, copy.release, copy.generation)


def make_route(*releases: int, app: str = "hello", drain: float = 30) -> Route:
    return Route(app, releases={str(release): 1 for release in releases}, drain=drain)


def make_host(name: str = "host-1", **facts: Any) -> HostSeen:
    return HostSeen(name=name, **facts)


def make_router(name: str = "router-1", *, served: int = 1000, **facts: Any) -> RouterSeen:
    return RouterSeen(name=name, served=served, **facts)


def make_target(*copies: CopyName, fresh: Any = (), **facts: Any) -> Target:
    """A target of these copies; with `fresh=True` an operation makes them all as a new release."""
    releases = {copy.release for copy in copies} or {2}
    made: dict[str, Any] = {"fresh": frozenset(fresh or ())} if fresh is not True else {}
    if fresh is True:
        made = {"fresh": frozenset(copies), "new_release": True}
    fields: dict[str, Any] = {"copies": frozenset(copies), "route": make_route(*releases)}
    return Target(**fields | made | facts)


def make_world(
    target: Target | None,
    *,
    serving: Iterable[CopyName] = (),
    placed: Iterable[Placed] = (),
    seen: Mapping[CopyName, Instance] | None = None,
    route: Route | None = None,
    routed: int = 100,
    **facts: Any,
) -> World:
    """A world: `serving` copies are placed, ready and published, on host-1.

    `placed` ones are only placed, unless `seen` holds an instance of them. The route was last
    written at revision `routed`.
    """
    all_placed = {copy.container: make_placed(copy) for copy in serving}
    all_placed |= {item.copy.container: item for item in placed}
    instances = {copy: make_instance(copy) for copy in serving} | dict(seen or {})
    hosts = {name: item.host for name, item in all_placed.items()}
    fields: dict[str, Any] = {
        "app": "hello",
        "now": 1000.0,
        "target": target,
        "placed": all_placed,
        "instances": {
            f"{hosts[copy.container]}/{copy.container}": Seen(hosts[copy.container], instance, 20)
            for copy, instance in instances.items()
        },
        "endpoints": {
            copy.container: Published(make_endpoint(copy), 30) for copy in serving if copy.routable
        },
        "route": None if route is None else Routed(route, routed),
        "awaited": routed,
        "hosts": (make_host(),),
    }
    return World(**fields | facts)


def make_build(
    procfile: Mapping[str, str] | None = None, *, sha: str = "", dockerfile: str = ""
) -> Build:
    return Build(
        uuid=UUID(int=1),
        app="hello",
        owner="ann",
        image="hello:git-1234567",
        reference="127.0.0.1:5000/hello@sha256:0",
        sha=sha,
        procfile=procfile or {},
        dockerfile=dockerfile,
        created=LONG_AGO,
        updated=LONG_AGO,
    )


def make_live(
    structure: Mapping[str, int] | None = None,
    *,
    stopped: tuple[str, ...] = (),
    version: int = 2,
    build: Build | None = None,
    config: ConfigData | None = None,
) -> Live:
    """Ann's app `hello` with a live release; without a `build` it has none."""
    app = App(
        uuid=UUID(int=2),
        id="hello",
        owner="ann",
        owner_id=1,
        structure=structure or {},
        destroying=False,
        created=LONG_AGO,
        updated=LONG_AGO,
        stopped=stopped,
    )
    made = Config(UUID(int=3), "hello", "ann", config or ConfigData(), LONG_AGO, LONG_AGO)
    release = Release(
        uuid=UUID(int=4),
        app="hello",
        owner="ann",
        version=version,
        summary="",
        config=made.uuid,
        build=build.uuid if build else None,
        state=ReleaseState.LIVE,
        created=LONG_AGO,
        updated=LONG_AGO,
    )
    return Live(app, release, made, build)

"""What runs on one machine: every component, its command line, and how it is seen to be ready.

On a home of one host the components bear the names of their programs; of several hosts each has
its own, called `etcd@local-2`, and everything that these start is in the host's control group.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from deis_cli.deisctl.local import engine, power, sites
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.probes import answers, speaks_postgres
from deis_cli.deisctl.local.settings_files import CONTROL_FILE, NODE_FILE, REGISTRY_FILE
from deis_cli.deisctl.local.sites import LOOPBACK, Site

POSTGRES = "/usr/lib/postgresql/15/bin/postgres"


@dataclass(frozen=True, slots=True)
class Component:
    """One process that the supervisor keeps running."""

    name: str
    argv: Sequence[str]
    address: str
    """What people read in the table: `127.0.0.1:2379` or a socket's path."""
    ready: Callable[[], bool]
    """Whether it answers; quick, and never raises."""
    prepare: Callable[[], None] = lambda: None
    """What must be there before each start; it may find it there already."""
    environ: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 20
    """Seconds until SIGKILL."""
    host: str = ""
    """The host that it runs on, where there are several; empty for what is beside them."""
    wanted: Callable[[], bool] = lambda: True
    """Whether it shall run: not while its host has no power."""
    starting: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held while it is started, so that nobody takes the host's power away meanwhile."""


def all_components(home: Home, choices: Choices, venv: Path) -> tuple[Component, ...]:
    """Every component in the order of start; stopping goes the other way."""
    every = sites.sites(home, choices)
    members = [site for site in every if site.member]
    engines = [part for site in every if site.engine for part in _engine(site)]
    found = (
        _postgres(home, choices),
        *(_etcd(choices, site, members) for site in members),
        _registry(home, choices),
        *engines,
        *(_control(choices, site, venv) for site in every if site.controller),
        *(_node(choices, site, venv) for site in every),
        *([_relay(home, choices, venv)] if choices.hosts > 1 else []),
    )
    return tuple(_unless_kept_down(home, component) for component in found)


def docker_host(home: Home, choices: Choices) -> str:
    """The URL of the Docker Engine that this home uses; of several, the first host's."""
    return sites.docker_url(sites.sites(home, choices)[0], choices)


def pid_file(home: Home, name: str) -> Path:
    """Where a component's pid is kept."""
    return home.run / f"{name}.pid"


def down_file(home: Home, name: str) -> Path:
    """There while a component is kept down: nobody starts it again when it has ended."""
    return home.run / f"{name}.down"


def base_environment() -> dict[str, str]:
    """What every component finds in its environment: nothing of the caller's but the path."""
    keep = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": "/root", **keep}


def own_environment(home: Home, name: str) -> dict[str, str]:
    """What a person has put into `etc/<component>.env` to try something: lines of `NAME=value`."""
    try:
        lines = (home.etc / f"{name}.env").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _postgres(home: Home, choices: Choices) -> Component:
    data = home.data / "postgres"
    address = sites.services_address(choices)
    argv = [
        *("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"),
        *(POSTGRES, "-D", str(data), "-p", str(choices.postgres_port)),
        *("-c", f"listen_addresses={address}", "-c", "unix_socket_directories="),
        *("-c", "max_connections=100", "-c", "timezone=UTC", "-c", "log_timezone=UTC"),
    ]
    return Component(
        name="postgres",
        argv=argv,
        address=f"{address}:{choices.postgres_port}",
        ready=lambda: speaks_postgres(address, choices.postgres_port),
        prepare=_joined(choices),
        stop_signal=signal.SIGINT,
    )


def _registry(home: Home, choices: Choices) -> Component:
    address = f"{sites.services_address(choices)}:{choices.registry_port}"
    return Component(
        name="registry",
        argv=["docker-registry", "serve", str(home.etc / REGISTRY_FILE)],
        address=address,
        ready=lambda: answers(address, "/v2/"),
        prepare=_joined(choices),
        # It gives up at start when this names a bundle for an S3 store that is not used here.
        environ={"AWS_CA_BUNDLE": ""},
    )


def _unless_kept_down(home: Home, component: Component) -> Component:
    """The same component, which is not wanted while a person keeps it down."""
    down, wanted = down_file(home, component.name), component.wanted
    return replace(component, wanted=lambda: not down.exists() and wanted())


def _joined(choices: Choices) -> Callable[[], None]:
    """What must be there for the machine's address among the hosts to be there."""
    fabric = sites.fabric(choices)
    return fabric.ensure if fabric else lambda: None


def _etcd(choices: Choices, site: Site, members: Sequence[Site]) -> Component:
    client = f"http://{site.address}:{choices.etcd_port}"
    peer = f"http://{site.address}:{choices.etcd_peer_port}"
    cluster = (f"{item.name}=http://{item.address}:{choices.etcd_peer_port}" for item in members)
    argv = [
        *("etcd", "--name", site.name, "--data-dir", str(site.data / "etcd")),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", ",".join(cluster), "--logger", "zap"),
        *("--auto-compaction-mode", "periodic", "--auto-compaction-retention", "1h"),
        *("--quota-backend-bytes", str(4 * 1024**3)),
        # Who leads on etcd's leader's host is replaced within 7 s (decision 75).
        *("--heartbeat-interval", "70", "--election-timeout", "700"),
        # An idle watch is told that its server lives, and need not ask (decision 63).
        *("--experimental-watch-progress-notify-interval", "10s"),
    ]
    address = f"{site.address}:{choices.etcd_port}"
    return _on(
        site,
        Component(
            name="etcd",
            argv=argv,
            address=address,
            ready=lambda: answers(address, "/health"),
            # Members that all end at once wait for each other, and lose nothing when killed.
            stop_timeout=20 if len(members) == 1 else 3,
        ),
    )


def _engine(site: Site) -> tuple[Component, ...]:
    where = site.engine
    assert where is not None, "only asked for hosts with an engine of their own"
    containerd = Component(
        name="containerd",
        argv=engine.containerd_argv(where),
        address=str(where.containerd_socket),
        ready=lambda: engine.containerd_answers(where),
        prepare=lambda: engine.prepare(where),
    )
    docker = Component(
        name="docker",
        argv=engine.argv(where),
        address=engine.docker_url(where),
        ready=lambda: engine.answers(where),
        prepare=lambda: engine.prepare(where),
        stop_timeout=30,
    )
    return _powered(site, containerd), _powered(site, docker)


def _control(choices: Choices, site: Site, venv: Path) -> Component:
    program = str(venv / "bin" / "deis-control")
    address = f"{site.address}:{choices.controller_port}"
    component = Component(
        name="deis-control",
        argv=[program, "serve", "--config", str(site.etc / CONTROL_FILE)],
        address=address,
        ready=lambda: answers(address, "/healthz"),
    )
    return _on(site, component)


def _node(choices: Choices, site: Site, venv: Path) -> Component:
    page = f"{site.address}:{choices.metrics_port}"
    router = f"{site.address}:{choices.http_port}"
    component = Component(
        name="deis-node",
        argv=[str(venv / "bin" / "deis-node"), "run", "--config", str(site.etc / NODE_FILE)],
        address=router if site.router else page,
        ready=lambda: (
            answers(page, "/healthz") and (not site.router or answers(router, "/health-check"))
        ),
    )
    return _on(site, component)


def _relay(home: Home, choices: Choices, venv: Path) -> Component:
    router, controller = (
        f"{LOOPBACK}:{port}" for port in (choices.http_port, choices.controller_port)
    )
    return Component(
        name="relay",
        argv=[str(venv / "bin" / "deisctl"), "local", "relay", "--home", str(home.root)],
        address=router,
        ready=lambda: answers(router, "/health-check") and answers(controller, "/healthz"),
        prepare=_joined(choices),
    )


def _on(site: Site, component: Component) -> Component:
    """The same component on its host: in its network, and in its control group."""
    network = site.network
    if network is None:
        return component
    argv = engine.in_group(f"{network.name}/parts", network.enter(component.argv))
    return _powered(site, replace(component, argv=argv, prepare=lambda: power.prepare(site)))


def _powered(site: Site, component: Component) -> Component:
    """The same component, under its host's name, and only while that has power."""
    if site.network is None:
        return component
    return replace(
        component,
        name=site.label(component.name),
        host=site.name,
        wanted=lambda: power.is_on(site),
        starting=lambda: power.held(site),
    )

"""What runs on one machine: every component, its command line, and how it is seen to be ready."""

import http.client
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deis_cli.deisctl.local import engine
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.settings_files import CONTROL_FILE, NODE_FILE, REGISTRY_FILE

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


def all_components(home: Home, choices: Choices, venv: Path) -> tuple[Component, ...]:
    """Every component in the order of start; stopping goes the other way."""
    own_engine = () if choices.docker_host else _engine(home, choices)
    return (
        _postgres(home, choices),
        _etcd(home, choices),
        _registry(home, choices),
        *own_engine,
        _control(home, choices, venv),
        _node(home, choices, venv),
    )


def docker_host(home: Home, choices: Choices) -> str:
    """The URL of the Docker Engine that this home uses."""
    return choices.docker_host or engine.docker_url(_layout(home, choices))


def pid_file(home: Home, name: str) -> Path:
    """Where a component's pid is kept."""
    return home.run / f"{name}.pid"


def _layout(home: Home, choices: Choices) -> engine.EngineLayout:
    return engine.layout(home.root, choices.id, choices.subnet)


def _postgres(home: Home, choices: Choices) -> Component:
    data = home.data / "postgres"
    argv = [
        *("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"),
        *(POSTGRES, "-D", str(data), "-p", str(choices.postgres_port)),
        *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        *("-c", "max_connections=100", "-c", "timezone=UTC", "-c", "log_timezone=UTC"),
    ]
    return Component(
        name="postgres",
        argv=argv,
        address=f"127.0.0.1:{choices.postgres_port}",
        ready=lambda: _speaks_postgres(choices.postgres_port),
        stop_signal=signal.SIGINT,
    )


def _etcd(home: Home, choices: Choices) -> Component:
    client = f"http://127.0.0.1:{choices.etcd_port}"
    peer = f"http://127.0.0.1:{choices.etcd_peer_port}"
    argv = [
        *("etcd", "--name", choices.host, "--data-dir", str(home.data / "etcd")),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"{choices.host}={peer}", "--logger", "zap"),
        *("--auto-compaction-mode", "periodic", "--auto-compaction-retention", "1h"),
        *("--quota-backend-bytes", str(4 * 1024**3)),
    ]
    return Component(
        name="etcd",
        argv=argv,
        address=f"127.0.0.1:{choices.etcd_port}",
        ready=lambda: _answers(choices.etcd_port, "/health"),
    )


def _registry(home: Home, choices: Choices) -> Component:
    return Component(
        name="registry",
        argv=["docker-registry", "serve", str(home.etc / REGISTRY_FILE)],
        address=f"127.0.0.1:{choices.registry_port}",
        ready=lambda: _answers(choices.registry_port, "/v2/"),
        # It gives up at start when this names a bundle for an S3 store that is not used here.
        environ={"AWS_CA_BUNDLE": ""},
    )


def _engine(home: Home, choices: Choices) -> tuple[Component, ...]:
    where = _layout(home, choices)
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
    return containerd, docker


def _control(home: Home, choices: Choices, venv: Path) -> Component:
    return Component(
        name="deis-control",
        argv=[
            str(venv / "bin" / "deis-control"),
            "serve",
            "--config",
            str(home.etc / CONTROL_FILE),
        ],
        address=f"127.0.0.1:{choices.controller_port}",
        ready=lambda: _answers(choices.controller_port, "/healthz"),
    )


def _node(home: Home, choices: Choices, venv: Path) -> Component:
    return Component(
        name="deis-node",
        argv=[str(venv / "bin" / "deis-node"), "run", "--config", str(home.etc / NODE_FILE)],
        address=f"127.0.0.1:{choices.http_port}",
        ready=lambda: (
            _answers(choices.metrics_port, "/healthz")
            and _answers(choices.http_port, "/health-check")
        ),
    )


def base_environment() -> dict[str, str]:
    """What every component finds in its environment: nothing of the caller's but the path."""
    keep = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": "/root", **keep}


def _answers(port: int, path: str) -> bool:
    """Whether an HTTP server on loopback answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _speaks_postgres(port: int) -> bool:
    """Whether PostgreSQL takes sessions: a start-up message gets a question, no refusal.

    The message (PostgreSQL's protocol 3.0, "StartupMessage") names a user; a server that is
    starting, stopping or recovering answers with an error of class 57.
    """
    fields = b"user\0deis\0database\0postgres\0\0"
    message = (8 + len(fields)).to_bytes(4, "big") + (196608).to_bytes(4, "big") + fields
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as session:
            session.sendall(message)
            return session.recv(1) == b"R"
    except OSError:
        return False

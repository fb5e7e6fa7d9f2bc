"""One home: its folders, and what was chosen once and is kept (ports, ids, passwords)."""

import json
import os
import secrets
import shutil
import socket
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from deis_cli.deisctl.local.errors import LocalError

DEFAULT_HOME = Path("/var/lib/deis-local")


@dataclass(frozen=True, slots=True)
class Choices:
    """What `up` chose for a home the first time; it never changes while the home lives."""

    id: str
    """Six hexadecimal digits that name the home's network namespace, links and cgroup."""
    platform_id: str
    """The value of the label `deis.platform` on every container of this home."""
    http_port: int
    builder_port: int
    controller_port: int
    metrics_port: int
    postgres_port: int
    etcd_port: int
    etcd_peer_port: int
    registry_port: int
    relay_port: int
    """Where the Docker Engine finds the registry on its own loopback address."""
    logger_port: int
    logger_query_port: int
    docker_host: str
    """Empty for an engine of the home's own, else the URL of a given one."""
    subnet: str
    """Of the veth pair and the engine's bridge; empty with a given engine."""
    password: str
    postgres_password: str
    username: str = "admin"
    domain: str = "localhost"
    host: str = "local-1"
    app: str = "hello"
    sample: bool = True
    """Whether the sample is deployed as the first app."""
    hosts: int = 1
    """One host shares the machine's network; of several each has its own."""
    swarm: bool = False
    """Whether the hosts' Docker Engines are a Docker Swarm."""


FOLDERS = ("bin", "data", "etc", "hosts", "log", "run", "secrets", "user", "venv")
"""What a home consists of, beside the file of its choices."""

CHOICES_FILE = "local.json"


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of a home."""

    root: Path

    @property
    def choices_file(self) -> Path:
        """Where the choices are kept."""
        return self.root / CHOICES_FILE

    @property
    def etc(self) -> Path:
        """Generated configuration files."""
        return self.root / "etc"

    @property
    def run(self) -> Path:
        """Pid files, sockets and locks."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log file a component."""
        return self.root / "log"

    @property
    def data(self) -> Path:
        """One folder a component that keeps state."""
        return self.root / "data"

    @property
    def hosts(self) -> Path:
        """One folder a host, where there are several."""
        return self.root / "hosts"

    @property
    def bin(self) -> Path:
        """The commands that know this home."""
        return self.root / "bin"

    @property
    def user(self) -> Path:
        """The first user's profile, key, known hosts and working copy of the sample."""
        return self.root / "user"

    @property
    def secrets(self) -> Path:
        """Keys that only root may read."""
        return self.root / "secrets"

    @property
    def keyring(self) -> Path:
        """The ring of keys that seals secrets in etcd and PostgreSQL."""
        return self.secrets / "keyring.json"

    @property
    def host_keys(self) -> Path:
        """What every builder of several takes for its host keys."""
        return self.secrets / "builder"

    def log_of(self, component: str) -> Path:
        """A component's log file."""
        return self.logs / f"{component}.log"

    def make_folders(self) -> None:
        """Create the folders; those with secrets are root's alone."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o755)
        for folder in (self.etc, self.run, self.logs, self.data, self.bin, self.user):
            folder.mkdir(exist_ok=True, mode=0o755)
        for folder in (self.secrets, self.etc):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)

    def start_over(self) -> None:
        """Forget what was chosen and made, but for what tells why, and for what runs this."""
        self.choices_file.unlink(missing_ok=True)
        for folder in {*FOLDERS} - {self.logs.name, "venv"}:
            shutil.rmtree(self.root / folder, ignore_errors=True)

    def remove(self) -> None:
        """Remove all that a home consists of, and its folder unless something else lies there.

        LocalError when the folder holds nothing but strange things: it was never a home.
        """
        if not self.root.is_dir():
            return
        strange = {path.name for path in self.root.iterdir()} - {*FOLDERS, CHOICES_FILE}
        if strange and self.load() is None:
            raise LocalError(f"{self.root} is no home of a platform: nothing was removed.")
        for folder in FOLDERS:
            shutil.rmtree(self.root / folder, ignore_errors=True)
        self.choices_file.unlink(missing_ok=True)
        if not strange:
            self.root.rmdir()

    def load(self) -> Choices | None:
        """What was chosen for this home; None for a new one."""
        try:
            data = json.loads(self.choices_file.read_text())
        except FileNotFoundError:
            return None
        except ValueError as err:
            raise LocalError(f"{self.choices_file} is damaged ({err}); remove the home.") from err
        return Choices(**data)

    def save(self, choices: Choices) -> None:
        """Keep the choices, readable by root alone (they hold passwords)."""
        aside = self.choices_file.with_suffix(".new")
        aside.touch(mode=0o600)
        aside.write_text(json.dumps(asdict(choices), indent=2) + "\n")
        aside.replace(self.choices_file)


def choose(
    *,
    http_port: int,
    builder_port: int,
    docker_host: str,
    subnet: str,
    sample: bool = True,
    hosts: int = 1,
    swarm: bool = False,
) -> Choices:
    """Choose everything a new home needs; ports that the user did not name are free ones."""
    ports = iter(free_ports(9, avoid={http_port, builder_port}))
    return Choices(
        id=secrets.token_hex(3),
        platform_id=str(uuid.uuid4()),
        http_port=http_port,
        builder_port=builder_port,
        controller_port=next(ports),
        metrics_port=next(ports),
        postgres_port=next(ports),
        etcd_port=next(ports),
        etcd_peer_port=next(ports),
        registry_port=next(ports),
        relay_port=next(ports),
        logger_port=next(ports),
        logger_query_port=next(ports),
        docker_host=docker_host,
        subnet=subnet,
        password=secrets.token_urlsafe(12),
        postgres_password=secrets.token_urlsafe(18),
        sample=sample,
        hosts=hosts,
        swarm=swarm,
    )


def free_ports(count: int, *, avoid: set[int]) -> list[int]:
    """Free TCP ports below the range from which the kernel serves outgoing connections.

    A port of that range could be taken by any connection between two starts of the platform.
    """
    start = 10_000 + secrets.randbelow(9_000)
    found: list[int] = []
    for port in range(start, 32_000):
        if port not in avoid and is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise LocalError("No free TCP ports were found between 10000 and 32000.")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a TCP port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def caller_ids() -> tuple[int, int] | None:
    """Who called through sudo, as (uid, gid); None when root itself did."""
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    return (int(uid), int(gid)) if uid.isdigit() and gid.isdigit() and uid != "0" else None

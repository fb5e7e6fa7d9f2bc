"""A Docker Swarm of its own on three hosts, made like those of a local platform: the same network,
disks and flags of the Docker Engine but live-restore, which Swarm does not go together with.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deis_cli.deisctl.local import network
from deis_cli.deisctl.local.fabric import Fabric
from tests.fixtures.cluster import DISK
from tests.fixtures.platform import poll, run
from tests.fixtures.swarm import SwarmEngine

READY = 120.0
"""Seconds until all nodes must be ready."""


class SwarmHosts:
    """The engines, all of them managers."""

    def __init__(self, folder: Path, count: int) -> None:
        self._fabric = Fabric(secrets.token_hex(3), network.choose_subnet())
        self._disks = [folder / str(number) for number in range(1, count + 1)]
        self.engines: list[SwarmEngine] = []
        for number, disk in enumerate(self._disks, 1):
            disk.mkdir()
            checked(["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=755", "disk", str(disk)])
            home = disk / "host"
            home.mkdir()
            words = (self._fabric.id, self._fabric.subnet, str(number))
            self.engines.append(SwarmEngine(home, words))

    @property
    def urls(self) -> dict[str, str]:
        """The engines' URLs by the hosts' addresses."""
        return {engine.host_address: engine.url for engine in self.engines}

    def docker(self, *arguments: str, host: int = 0) -> str:
        """What Docker's own client says about a host's engine."""
        return checked(["docker", "--host", self.engines[host].url, *arguments])

    def make(self) -> None:
        """Start the engines and join them."""
        for engine in self.engines:
            engine.start()
        first = self.engines[0].host_address
        self.docker("swarm", "init", "--advertise-addr", first, "--listen-addr", first)
        token = self.docker("swarm", "join-token", "--quiet", "manager").strip()
        for number, engine in enumerate(self.engines[1:], 1):
            own = ("--advertise-addr", engine.host_address, "--listen-addr", engine.host_address)
            self.docker("swarm", "join", "--token", token, *own, f"{first}:2377", host=number)
        self._wait_ready()

    def load(self, image: Path) -> None:
        """Give every engine an image that `docker save` has written."""
        for number in range(len(self.engines)):
            self.docker("load", "--input", str(image), host=number)

    def stop(self) -> None:
        """End the engines; the Swarm is on their disks."""
        for engine in self.engines:
            engine.stop()
            engine.kill_containerd()

    def start(self) -> None:
        """Start them again, and wait until the Swarm is whole."""
        for engine in self.engines:
            engine.start()
        self._wait_ready()

    def close(self) -> None:
        """Leave nothing behind."""
        for engine in self.engines:
            engine.close()
        self._fabric.remove()
        for disk in self._disks:
            checked(["umount", str(disk)])

    def _wait_ready(self) -> None:
        def ready() -> bool:
            words = ["node", "ls", "--format", "{{json .}}"]
            done = run(["docker", "--host", self.engines[0].url, *words])
            nodes = [json.loads(line) for line in done.stdout.splitlines()]
            return [node["Status"] for node in nodes] == ["Ready"] * len(self.engines)

        poll(ready, READY, "the Swarm is whole")


@contextmanager
def swarm_hosts(count: int) -> Iterator[SwarmHosts]:
    """So many hosts with an empty Swarm."""
    folder = Path(tempfile.mkdtemp(prefix="deis-swarm-"))
    made = SwarmHosts(folder, count)
    try:
        made.make()
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)


def checked(argv: list[str]) -> str:
    """Run a program to its end; what it printed."""
    done = run(argv)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

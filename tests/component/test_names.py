"""Servers that settings know by names, while no name server answers (faults.md E.5, 3)."""

import asyncio
import json
import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.etcd import EtcdMember
from tests.fixtures.platform import PROJECT
from tests.fixtures.postgres import PostgresServer

INSIDE = """
mount --bind "$1/resolv.conf" /etc/resolv.conf && mount --bind "$1/hosts" /etc/hosts &&
shift && exec "$@"
"""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """A hosts file with the servers' names, and a resolver that leads to who never answers."""
    address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    (tmp_path / "hosts").write_text("127.0.0.1 postgres.test etcd.test\n")
    (tmp_path / "resolv.conf").write_text(f"nameserver {address}\noptions timeout:1 attempts:2\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((address, 53))
        yield tmp_path


async def test_servers_known_by_names_while_no_name_server_answers(
    files: Path, postgres: PostgresServer, etcd_server: EtcdMember
) -> None:
    port = etcd_server.endpoint.rpartition(":")[2]
    program = [sys.executable, "-m", "tests.fixtures.names_process"]
    words = [postgres.dsn.replace("127.0.0.1", "postgres.test"), f"http://etcd.test:{port}"]
    argv = ["unshare", "--mount", "sh", "-c", INSIDE, "sh", str(files), *program, *words]
    process = await asyncio.create_subprocess_exec(
        *argv,
        etcd_server.endpoint,
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        said, _ = await process.communicate()
    seen = json.loads(said.splitlines()[-1])
    assert seen.pop("pause") < 1.0, "whoever waits for a name holds nobody up"
    assert seen == {
        "kept connection": True,
        "kept watch": True,
        "new connection": False,
        "new client": False,
        "client with another endpoint": True,
        "new connection, names back": True,
        "new client, names back": True,
    }

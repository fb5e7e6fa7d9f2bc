"""The API beside bare handlers on the same database, in turn: within ten times of what
docs/benchmarks.md promises.
"""

import statistics
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from deis_control.api.app import make_app
from deis_control.api.entrance import serving
from deis_control.db.pool import Database
from tests.fixtures.postgres import Databases
from tests.load.api_server import services, serving_bare
from tests.load.api_world import ADMIN_TOKEN, TOKEN, fill, paths

APPS, USERS = 300, 20
ROUNDS, REQUESTS = 5, 20
RATIO = 0.07
"""Of the bare handlers' speed; 0.7 is what the benchmark asks for."""


@pytest.fixture
async def filled(databases: Databases) -> AsyncIterator[Database]:
    """A database with some apps."""
    dsn = await databases.make()
    await fill(dsn, APPS, USERS)
    async with Database(dsn) as opened:
        yield opened


async def test_the_api_keeps_up_with_bare_handlers(filled: Database) -> None:
    async with (
        serving(make_app(services(filled)), "127.0.0.1", 0) as ours,
        serving_bare(filled, 0) as bare,
        aiohttp.ClientSession() as session,
    ):
        for name, path in paths(APPS, USERS):
            token = ADMIN_TOKEN if "superuser" in name else TOKEN

            async def seconds(port: int, path: str = path, token: str = token) -> float:
                headers = {"Authorization": f"token {token}"}
                began = time.perf_counter()
                for _ in range(REQUESTS):
                    async with session.get(
                        f"http://127.0.0.1:{port}{path}", headers=headers
                    ) as answer:
                        assert answer.status == 200
                        await answer.read()
                return time.perf_counter() - began

            pairs = [(await seconds(ours.port), await seconds(bare)) for _ in range(ROUNDS)]
            ratio = statistics.median(theirs / mine for mine, theirs in pairs)
            assert ratio > RATIO, name

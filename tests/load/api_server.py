"""The API beside a bare aiohttp application on the same pool, in one process: for the benchmark.

The bare handlers run the very statements that the API runs (token, permission, answer, audit
line) on one connection a request, and write the same JSON; they do nothing else.
`python -m tests.load.api_server DSN PORT BARE_PORT [AT_ONCE]`.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvloop
from aiohttp import web
from argon2 import PasswordHasher

from deis_control.api import wire
from deis_control.api.app import AT_ONCE, make_app
from deis_control.api.entrance import serving
from deis_control.db import apps, audit, configs, releases, tokens, users
from deis_control.db.pool import Connection, Database
from deis_control.logger.client import EventLog, LogClient
from deis_control.model import CopyState, Page, User, Window
from deis_control.rules.tokens import digest
from deis_control.services.bundle import Services
from deis_control.services.passwords import Passwords
from deis_control.services.platform import Platform
from deis_node.runtime.logs import configure
from tests.load.api_world import RING

DOMAIN = "example.com"


class NoCopies:
    """A cluster without a single copy."""

    def copies(self, app: str) -> Sequence[CopyState]:
        return ()


class Bare:
    """Handlers without an API around them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/apps/", self.list)
        app.router.add_get("/v1/apps/{app}/", self.info)
        app.router.add_get("/v1/apps/{app}/config/", self.config)
        app.router.add_get("/v1/apps/{app}/releases/", self.releases)
        app.router.add_get("/nothing", self.nothing)
        return app

    async def nothing(self, request: web.Request) -> web.Response:
        return web.Response(text="OK")

    async def list(self, request: web.Request) -> web.Response:
        async with self._database.connection() as conn:
            await self._user(conn, request)
            found = await apps.page_of_all(conn, Window(1, 100))
        return _json(_page(found, [wire.app(app, DOMAIN) for app in found.items]))

    async def info(self, request: web.Request) -> web.Response:
        async with self._database.connection() as conn:
            await self._user(conn, request)
            app = await apps.find(conn, request.match_info["app"])
        return _json(wire.app(app, DOMAIN))

    async def config(self, request: web.Request) -> web.Response:
        async with self._database.connection() as conn:
            user = await self._user(conn, request)
            app = await apps.find(conn, request.match_info["app"])
            found = await configs.of_latest(conn, RING, app.uuid)
            await audit.insert_without_waiting(
                conn,
                audit.Line(
                    actor=user.username,
                    actor_id=user.id,
                    action="config.read",
                    app=app.uuid,
                    app_id=app.id,
                    target=str(found.uuid),
                ),
            )
        return _json(wire.config(found))

    async def releases(self, request: web.Request) -> web.Response:
        async with self._database.connection() as conn:
            await self._user(conn, request)
            app = await apps.find(conn, request.match_info["app"])
            found = await releases.page_of(conn, app.uuid, Window(1, 100))
        return _json(_page(found, [wire.release(item) for item in found.items]))

    async def _user(self, conn: Connection, request: web.Request) -> User:
        token = request.headers["Authorization"].removeprefix("token ")
        found = await tokens.holder(conn, digest(token))
        assert found is not None
        return found[0].user


def _page(found: Page[object], results: Sequence[object]) -> dict[str, object]:
    return {"count": found.count, "next": None, "previous": None, "results": results}


def _json(value: object) -> web.Response:
    return web.Response(text=json.dumps(value), content_type="application/json")


def services(database: Database) -> Services:
    """The use cases on a filled database, without a cluster beside it."""
    nowhere = LogClient(dict)
    return Services.make(
        database,
        RING,
        lambda: Platform(domain=DOMAIN),
        images=None,  # type: ignore[arg-type] - nothing is deployed here
        copies=NoCopies(),  # type: ignore[arg-type] - nobody looks at hosts here
        hosts=None,  # type: ignore[arg-type]
        logs=nowhere,
        events=EventLog(list, client=nowhere),
        passwords=Passwords(),
    )


@asynccontextmanager
async def serving_bare(database: Database, port: int) -> AsyncIterator[int]:
    """The bare handlers, served meanwhile; their port."""
    runner = web.AppRunner(Bare(database).app(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def main(dsn: str, port: int, bare_port: int, at_once: int = AT_ONCE) -> None:
    """Serve both until killed."""
    configure(json=True)
    async with Database(dsn, size=20) as database:
        async with database.transaction("passwords") as conn:
            hashed = PasswordHasher().hash("secret")
            user = await users.find(conn, "user-1")
            await users.set_password(conn, user.id, hashed)
        async with (
            serving_bare(database, bare_port),
            serving(make_app(services(database), at_once=at_once), "127.0.0.1", port),
        ):
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], *map(int, sys.argv[2:])))

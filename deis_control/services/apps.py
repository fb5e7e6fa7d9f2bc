"""Apps: making, finding, giving away, destroying."""

import secrets
from uuid import uuid4

import structlog

from deis_control.db import apps, configs, operations, releases, users
from deis_control.db.pool import Connection, Database
from deis_control.deltas import DestroyDelta
from deis_control.errors import Forbidden, Invalid, Unavailable
from deis_control.model import (
    Act,
    App,
    ConfigData,
    Kind,
    Login,
    Operation,
    Page,
    ReleaseState,
    User,
    Window,
)
from deis_control.rules import initial_summary
from deis_control.rules.access import owns
from deis_control.rules.apps import check_app_id, reserved_names
from deis_control.rules.words import ADJECTIVES, NOUNS
from deis_control.services.audit import note
from deis_control.services.operations import Operations
from deis_control.services.platform import Current
from deis_node.cluster.seal import Ring

log = structlog.get_logger()

_DRAWS = 100


class Apps:
    """Use cases about apps."""

    def __init__(
        self,
        database: Database,
        ring: Ring,
        platform: Current,
        operations: Operations,
    ) -> None:
        self._database = database
        self._ring = ring
        self._platform = platform
        self._operations = operations

    async def page(self, login: Login, window: Window) -> Page[App]:
        """The user's own apps and those shared with him; all for a superuser; by a token of one
        app, that one.
        """
        user = login.user
        async with self._database.connection() as conn:
            if login.token.app is not None:
                return await apps.page_of_one(conn, user.id, login.token.app, window)
            if user.is_superuser:
                return await apps.page_of_all(conn, window)
            return await apps.page_of(conn, user.id, window)

    async def create(self, owner: User, app_id: str | None) -> App:
        """An app with an empty config and release v1, in one transaction; the leader hears of it.

        Without an id one is drawn. Invalid when the id is not allowed or taken.
        """
        if app_id is not None:
            messages = check_app_id(app_id, reserved_names(self._platform().subdomain))
            if messages:
                raise Invalid({"id": messages})
            return await self._make(owner, app_id)
        for _ in range(_DRAWS):
            try:
                return await self._make(owner, drawn_name())
            except Invalid:
                continue
        raise Unavailable("No free name was found; choose one.")

    async def transfer(self, app: App, user: User, username: str) -> None:
        """Give the app to another user; Forbidden unless one owns it, NotFound without him,
        Conflict while the app is being destroyed.
        """
        async with self._database.transaction("transfer app") as conn:
            app = await apps.lock_for_change(conn, app.uuid)
            if not owns(user, app):
                raise Forbidden
            owner = await users.find(conn, username)
            if owner.id == app.owner_id:
                return
            await apps.set_owner(conn, app.uuid, owner.id)
            before, after = {"owner": app.owner}, {"owner": owner.username}
            await note(conn, Act.APP_TRANSFER, user, app=app, before=before, after=after)
        log.info("app transferred", app=app.id, owner=username, actor=user.username)

    async def accept_destroy(self, app: App, user: User) -> Operation:
        """Accept the app's end; no other change is accepted from now on."""
        async with self._database.transaction("destroy app") as conn:
            return await self._destroying(conn, app, user)

    async def _make(self, owner: User, app_id: str) -> App:
        async with self._database.transaction("create app") as conn:
            app = await apps.insert(conn, uuid4(), app_id, owner.id)
            config = await configs.insert(conn, self._ring, app, uuid4(), owner.id, ConfigData())
            await releases.insert(
                conn,
                uuid4(),
                app.uuid,
                owner.id,
                version=1,
                summary=initial_summary(owner.username),
                config=config.uuid,
                build=None,
                state=ReleaseState.LIVE,
            )
            await note(conn, Act.APP_CREATE, owner, app=app)
            await apps.changed(conn, app.uuid)
        log.info("app created", app=app_id, owner=owner.username)
        return app

    async def _destroying(self, conn: Connection, app: App, user: User) -> Operation:
        """The operation that removes the app, maybe one under way; others are cancelled."""
        await apps.lock(conn, app.uuid)
        unfinished = await operations.open_of(conn, app.uuid)
        for operation in unfinished:
            if operation.kind is Kind.DESTROY:
                return operation
            await operations.ask_cancel(conn, operation.id)
        made = await self._operations.submit(conn, app, DestroyDelta(), user)
        await apps.set_destroying(conn, app.uuid, True)
        return made


def drawn_name() -> str:
    """A name such as `golden-platypus` (semantics.md section 1)."""
    return f"{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}"

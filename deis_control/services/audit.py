"""The audit trail: who did what to which app, when and from where."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace

from deis_control.db import audit
from deis_control.db.pool import Connection, Database
from deis_control.model import Act, App, AuditEntry, AuditFilter, Login, Page, User, Window


@dataclass(frozen=True, slots=True)
class Origin:
    """From where somebody acts."""

    address: str = ""
    token: str = ""
    """The name of a named token."""


ORIGIN: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 - frozen
"""Of the request that is being worked on; whoever takes a request in sets it, as log lines are
bound, so that no use case has to hand it on."""


async def note(
    conn: Connection,
    act: Act,
    actor: User | str,
    *,
    app: App | None = None,
    target: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    refused: bool = False,
) -> None:
    """Add a line, in the transaction of what it tells of. Nothing secret goes into it."""
    line = _line(act, actor, app, target)
    outcome = "refused" if refused else "ok"
    await audit.insert(conn, replace(line, before=before, after=after, outcome=outcome))


def _line(act: Act, actor: User | str, app: App | None, target: str) -> audit.Line:
    origin = ORIGIN.get()
    name, number = (actor.username, actor.id) if isinstance(actor, User) else (actor, None)
    return audit.Line(
        actor=name,
        action=act.value,
        actor_id=number,
        address=origin.address,
        token=origin.token,
        app=app.uuid if app is not None else None,
        app_id=app.id if app is not None else None,
        target=target,
    )


class Audit:
    """Looking at the trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, login: Login, wanted: AuditFilter, window: Window) -> Page[AuditEntry]:
        """The lines that the caller may see, newest first: a superuser all; others their own acts
        and those on apps that they may use; by a token of one app, that app's.
        """
        async with self._database.connection() as conn:
            if login.token.app is not None:
                return await audit.page_of_app(conn, login.token.app, login.user.id, wanted, window)
            if login.user.is_superuser:
                return await audit.page_of_all(conn, wanted, window)
            return await audit.page_of(conn, login.user.id, wanted, window)

    async def read_config(self, user: User, app: App, target: str) -> None:
        """Note that somebody looked at an app's secrets.

        Nobody waits for the disk: a crash of PostgreSQL in that half second loses the line.
        """
        async with self._database.connection() as conn:
            line = _line(Act.CONFIG_READ, user, app, target)
            await audit.insert_without_waiting(conn, line)

"""Named tokens: for scripts and CI jobs, with a scope, maybe for one app, maybe for some time."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from deis_control.db import tokens
from deis_control.db.pool import Database
from deis_control.errors import Invalid
from deis_control.model import Act, App, Page, Scope, Token, User, Window
from deis_control.rules.tokens import digest, expiry
from deis_control.services.audit import note


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a named token is made of."""

    name: str
    scope: Scope
    app: str | None = None
    """The id of the only app that it shall be good for."""
    expires: str | None = None
    """A span (`90d`) or a time; None for never."""


class Tokens:
    """Use cases about an account's own tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, user: User, window: Window) -> Page[Token]:
        """The account's tokens, those of logins too."""
        async with self._database.connection() as conn:
            return await tokens.page_of(conn, user.id, window)

    async def create(self, user: User, new: NewToken, app: App | None) -> tuple[Token, str]:
        """A named token, and its digits, which nobody can be told again.

        Invalid when the name is taken or the time is past.
        """
        ends = None
        if new.expires is not None:
            ends = expiry(new.expires, datetime.now(UTC))
            if ends is None:
                raise Invalid({"expires": ["This is past, or more than ten years away."]})
        digits = secrets.token_hex(20)
        async with self._database.transaction("create token") as conn:
            await tokens.delete_expired(conn, user.id)
            made = await tokens.insert(
                conn,
                user.id,
                digest(digits),
                name=new.name,
                scope=new.scope,
                app=app.uuid if app is not None else None,
                expires=ends,
            )
            facts = {"scope": new.scope.value, "expires": ends.isoformat() if ends else None}
            await note(conn, Act.TOKEN_CREATE, user, app=app, target=new.name, after=facts)
        return made, digits

    async def remove(self, user: User, token: UUID) -> None:
        """End one of the account's tokens; NotFound."""
        async with self._database.transaction("remove token") as conn:
            name = await tokens.delete(conn, user.id, token)
            await note(conn, Act.TOKEN_REMOVE, user, target=name or "(login)")

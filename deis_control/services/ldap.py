"""Accounts of the operator's directory (LDAP): made and brought up to date by each login."""

import structlog

from deis_control.db import users
from deis_control.db.pool import Connection, Database
from deis_control.errors import Invalid
from deis_control.ldap.client import Ldap
from deis_control.ldap.filters import Entry
from deis_control.model import Act, User
from deis_control.rules import accounts
from deis_control.rules.ldap import profile_of
from deis_control.services.audit import note
from deis_control.services.platform import Current

log = structlog.get_logger()

_CLASH = Invalid({"non_field_errors": ["A local account has this user name; log in to that one."]})
_NAME = Invalid({"non_field_errors": ["The directory's user name cannot be one here."]})


class LdapLogins:
    """Logs in whom the directory knows. An account is found by its name in whatever case."""

    def __init__(self, database: Database, platform: Current, ldap: Ldap) -> None:
        self._database = database
        self._platform = platform
        self._ldap = ldap

    @property
    def on(self) -> bool:
        """Whether there is a directory to ask."""
        return self._platform().ldap is not None

    async def login(self, username: str, password: str) -> User | None:
        """The account of that name and password, made if need be; None for nobody's.

        Unavailable without an answer; Invalid when no account can be made of the name.
        """
        keys = self._platform().ldap
        if keys is None or len(username) > accounts.USERNAME_LIMIT:
            return None
        entry = await self._ldap.authenticate(keys, username, password)
        if entry is None:
            return None
        if len(entry.name) > accounts.USERNAME_LIMIT or accounts.check_username(entry.name):
            raise _NAME
        async with self._database.transaction("directory login") as conn:
            user = await self._account(conn, entry)
            await users.mirror(conn, user.id, profile_of(user, entry.profile))
            return await users.find(conn, user.username)

    async def _account(self, conn: Connection, entry: Entry) -> User:
        """The entry's account; a new one never administers the platform, not even as the first."""
        user = await _known(conn, entry.name)
        if user is not None:
            return user
        await users.lock_registration(conn)
        user = await _known(conn, entry.name)
        if user is None:
            user = await users.insert(conn, username=entry.name, password=None)
            facts = {"superuser": False, "directory": True}
            await note(conn, Act.REGISTER, user, target=user.username, after=facts)
            log.info("account made of the directory", user=user.username)
        return user


async def _known(conn: Connection, name: str) -> User | None:
    """The directory's account of that name; Invalid when there are only local ones."""
    found = await users.alike(conn, name)
    for user, hashed in found:
        if hashed is None:
            return user
    if found:
        raise _CLASH
    return None

"""Logins by the directory, beside the loop and within a deadline."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import structlog

from deis_control.errors import Unavailable
from deis_control.ldap.filters import Entry
from deis_control.ldap.session import LdapError, Session
from deis_control.ldap.settings import LdapKeys, LdapSettings

log = structlog.get_logger()

_AT_ONCE = 8


class Ldap:
    """Asks the directory who somebody is.

    Its threads are its own: a directory that hangs must not take those that check passwords.
    """

    def __init__(self, settings: LdapSettings | None = None) -> None:
        self._settings = settings or LdapSettings()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "ldap")

    async def authenticate(self, keys: LdapKeys, username: str, password: str) -> Entry | None:
        """Whose name and password these are, None for nobody's; Unavailable without an answer."""
        session = Session(self._settings, keys)
        ask = asyncio.get_running_loop().run_in_executor
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await ask(self._threads, session.run, username, password)
        except (LdapError, TimeoutError) as err:
            reason = str(err) or f"no answer within {self._settings.timeout} s"
            log.warning("directory unavailable", reason=reason)
            raise Unavailable("The directory (LDAP) cannot be asked; try again later.") from err
        finally:
            session.abort()

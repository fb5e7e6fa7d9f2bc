"""One login's conversation with the directory: ldap3, blocking, in a thread."""

import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.core.results import (
    RESULT_CONSTRAINT_VIOLATION,
    RESULT_INAPPROPRIATE_AUTHENTICATION,
    RESULT_INSUFFICIENT_ACCESS_RIGHTS,
    RESULT_INVALID_CREDENTIALS,
    RESULT_SIZE_LIMIT_EXCEEDED,
    RESULT_SUCCESS,
    RESULT_UNWILLING_TO_PERFORM,
)

from deis_control.ldap.filters import (
    READ,
    Attributes,
    Entry,
    entry_of,
    first,
    group_filter,
    is_attribute,
    user_filter,
)
from deis_control.ldap.settings import LdapKeys, LdapSettings
from deis_node.runtime.errors import DeisError

_GROUPS_LIMIT = 1000
_REFUSED = frozenset(
    {
        RESULT_CONSTRAINT_VIOLATION,  # locked by a password policy
        RESULT_INAPPROPRIATE_AUTHENTICATION,  # has no password
        RESULT_INVALID_CREDENTIALS,
        RESULT_INSUFFICIENT_ACCESS_RIGHTS,
        RESULT_UNWILLING_TO_PERFORM,  # account disabled or expired
    }
)


class LdapError(DeisError):
    """The directory cannot be used: away, or set up in a way that it refuses."""


class Session:
    """Finds somebody, and binds as him to prove the password; may be aborted by another thread."""

    def __init__(self, settings: LdapSettings, keys: LdapKeys) -> None:
        self._settings = settings
        self._keys = keys
        self._connection: ldap3.Connection | None = None
        self._aborted = False

    def run(self, username: str, password: str) -> Entry | None:
        """Who that is, or None when there is not exactly one, or the password is not his.

        Raises LdapError. An empty password proves nothing: a bind with it is anonymous.
        """
        if not password:
            return None
        try:
            return self._run(username, password)
        except LdapError:
            raise
        except LDAPException as err:
            raise LdapError(str(err)) from err
        except Exception as err:  # ldap3 meets answers that are not LDAP with errors of any class
            raise LdapError(f"it does not speak LDAP ({type(err).__name__})") from err
        finally:
            self._close()

    def abort(self) -> None:
        """Break the conversation off, so that the thread ends; nothing when it is over."""
        self._aborted = True
        connection = self._connection
        if connection is not None and connection.socket is not None:
            with suppress(OSError, AttributeError):  # the thread may close it meanwhile
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _run(self, username: str, password: str) -> Entry | None:
        for attribute in (self._keys.user_attribute, self._keys.group_attribute):
            if not is_attribute(attribute):
                raise LdapError(f"{attribute!r} is not the name of an attribute")
        connection = self._open()
        entry = self._find(connection, username)
        if entry is None:
            return None
        groups = self._groups(connection, entry)
        if not self._proven(connection, entry, password):
            return None
        return replace(entry, profile=replace(entry.profile, groups=groups))

    def _open(self) -> ldap3.Connection:
        """A connection to the first endpoint that answers, bound as the platform."""
        failure = LdapError("no endpoint is set")
        for endpoint in self._keys.endpoint.split():
            try:
                connection = self._connect(endpoint)
            except LDAPException as err:
                self._close()
                failure = LdapError(str(err))
                continue
            if not self._bound(connection):
                raise LdapError(f"it refuses the platform: {connection.result['description']}")
            return connection
        raise failure

    def _connect(self, endpoint: str) -> ldap3.Connection:
        timeout = self._settings.timeout
        host, port, tls = address(endpoint)
        server = ldap3.Server(
            host,
            port,
            use_ssl=tls,
            tls=_Tls(self._settings) if tls or self._settings.start_tls else None,
            get_info=ldap3.NONE,
            connect_timeout=timeout,
        )
        self._connection = connection = ldap3.Connection(
            server,
            authentication=ldap3.ANONYMOUS,
            auto_referrals=False,
            check_names=False,
            receive_timeout=timeout,
            read_only=True,
        )
        if self._aborted:
            raise LdapError("the login was given up")
        connection.open(read_server_info=False)
        if self._settings.start_tls and not tls:
            connection.start_tls(read_server_info=False)
        return connection

    def _bound(self, connection: ldap3.Connection) -> bool:
        """Whether the directory lets the platform in."""
        keys = self._keys
        if not keys.bind_dn:
            return bool(connection.bind(read_server_info=False))
        return _bind(connection, keys.bind_dn, keys.bind_password)

    def _find(self, connection: ldap3.Connection, username: str) -> Entry | None:
        keys = self._keys
        wanted = user_filter(keys, username)
        found = self._search(connection, keys.user_base, wanted, [keys.user_attribute, *READ], 2)
        if len(found) != 1:
            return None
        entry = entry_of(keys, *found[0])
        if entry is None:
            raise LdapError(f"{keys.user_attribute} of a user cannot be read")
        return entry

    def _groups(self, connection: ldap3.Connection, entry: Entry) -> tuple[str, ...]:
        keys = self._keys
        if not keys.group_base:
            return ()
        wanted = group_filter(keys, entry)
        found = self._search(connection, keys.group_base, wanted, ["cn"], _GROUPS_LIMIT)
        return tuple(sorted({first(attributes, "cn") for _, attributes in found} - {""}))

    def _search(
        self, connection: ldap3.Connection, base: str, wanted: str, names: list[str], limit: int
    ) -> list[tuple[str, Attributes]]:
        """Entries below the base with the attributes; no more than the limit."""
        connection.search(
            base,
            wanted,
            dereference_aliases=ldap3.DEREF_NEVER,
            attributes=names,
            size_limit=limit,
            time_limit=self._settings.timeout,
        )
        result: dict[str, Any] = connection.result
        if result["result"] not in (RESULT_SUCCESS, RESULT_SIZE_LIMIT_EXCEEDED):
            raise LdapError(f"it refuses a search below {base!r}: {result['description']}")
        return [
            (item["dn"], item["raw_attributes"])
            for item in connection.response or ()
            if item["type"] == "searchResEntry"
        ]

    def _proven(self, connection: ldap3.Connection, entry: Entry, password: str) -> bool:
        """Whether the directory lets the entry in with this password."""
        if _bind(connection, entry.dn, password):
            return True
        if connection.result["result"] in _REFUSED:
            return False
        raise LdapError(f"it refuses to check a password: {connection.result['description']}")

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(LDAPException, OSError):
                connection.unbind()
            if connection.socket is not None:  # ldap3 leaves those that did not get connected
                connection.socket.close()


def _bind(connection: ldap3.Connection, dn: str, password: str) -> bool:
    """Whether the directory takes the password; as bytes, which ldap3 sends as they are."""
    secret = password.encode()
    return bool(connection.rebind(user=dn, password=secret, read_server_info=False))


class _Tls(ldap3.Tls):
    """TLS as Python does it: names and addresses in certificates are checked by OpenSSL."""

    def __init__(self, settings: LdapSettings) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        try:
            self._context = ssl.create_default_context(cafile=settings.ca_file)
        except OSError as err:
            raise LdapError(f"{settings.ca_file} cannot be used: {err.strerror}") from err

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        """Put TLS around the connection's socket; OSError when the certificate is not its."""
        connection.socket = self._context.wrap_socket(
            connection.socket,
            server_hostname=connection.server.host,
            do_handshake_on_connect=do_handshake,
        )


def address(endpoint: str) -> tuple[str, int, bool]:
    """Host, port and whether TLS comes first, of an `ldap://` or `ldaps://` URL; LdapError."""
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname, url.port
    except ValueError:
        host, port = None, None
    if not host or url.scheme not in ("ldap", "ldaps"):
        raise LdapError("the endpoint is no URL of the form ldap://host or ldaps://host")
    tls = url.scheme == "ldaps"
    return host, port or (636 if tls else 389), tls

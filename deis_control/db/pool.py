"""The pool of connections to PostgreSQL: codecs, transactions, deadlines, translated errors."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self, TypeAlias

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from deis_control.db.listen import Hint, Notices
from deis_control.errors import Unavailable

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"
"""What the functions of this room take first."""

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,  # A standby that is not promoted yet.
)
"""What asyncpg raises when the database, or the way to it, is gone or about to go."""
_FULL = (asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError)
"""Its classes 53 and 58: no disk space, no memory, or a disk that cannot be read or written."""
_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_SESSION = {"idle_in_transaction_session_timeout": "20s", "application_name": "deis-control"}
"""A paused leader that holds the epoch (`control.fence`) must not hold up the next one for ever."""


UNHURRIED = "WITH off AS (SELECT set_config('synchronous_commit', 'off', true)) "
"""Before a statement that is a transaction of its own, and reads `FROM off`: it does not wait for
PostgreSQL's disk. For what a crash of PostgreSQL may lose half a second of, and nothing else."""


class DatabaseAway(Unavailable):
    """PostgreSQL does not answer; nothing is known of the transaction that was under way."""

    default = "The database is temporarily unavailable."


class DatabaseFull(DatabaseAway):
    """PostgreSQL has undone a transaction because its disk or its memory does not suffice."""

    default = "The database is out of disk space or memory."


class Contended(DatabaseAway):
    """PostgreSQL broke a deadlock or a clash by undoing this transaction: repeat it."""


class Removed(Contended):
    """What a new row would belong to, a user or an app, was removed while it was made."""

    status = 409
    default = "What this is about was removed meanwhile."


class Database:
    """A pool that opens lazily, so that a process may start while PostgreSQL is away."""

    def __init__(self, dsn: str, *, size: int = 10, timeout: float = 10.0) -> None:
        """`timeout` is in seconds, for a connection, a statement and a free place in the pool."""
        self.dsn = dsn
        self._size = size
        self._timeout = timeout
        self._pool: asyncpg.Pool[Any] | None = None
        self._turns = asyncio.Semaphore(size)
        """First come, first served; whoever just comes by may overtake in asyncpg's own queue."""
        self._notices = Notices(dsn)

    async def __aenter__(self) -> Self:
        self._pool = asyncpg.create_pool(
            self.dsn,
            min_size=0,
            max_size=self._size,
            command_timeout=self._timeout,
            timeout=self._timeout,
            init=_codecs,
            reset=_tidy,
            server_settings=_SESSION,
        )
        await self._pool
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def run(self) -> None:
        """Keep the connection for hints; the composition root runs this for ever."""
        await self._notices.run()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for reading; DatabaseAway when there is none.

        Waits for its turn and then for a connection, each for `timeout` seconds at most.
        """
        pool = self._pool
        assert pool is not None, "the database is not open"
        with _translated():
            async with asyncio.timeout(self._timeout):
                await self._turns.acquire()
            try:
                async with pool.acquire(timeout=self._timeout) as connection:
                    yield connection
            finally:
                self._turns.release()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection for reading that sees one moment, and cannot write. DatabaseAway."""
        async with (
            self.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    @asynccontextmanager
    async def transaction(self, desc: str) -> AsyncIterator[Connection]:
        """A transaction named for the log; commits when the block ends without an error.

        DatabaseAway may mean that the commit's answer was lost: whoever repeats the work needs
        a key that makes it happen once.
        """
        with structlog.contextvars.bound_contextvars(transaction=desc):
            async with self.connection() as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def listen(self, channel: str, only: str | None = None) -> AsyncIterator[Hint]:
        """Hints about a channel, or one payload of it; they may get lost: also poll."""
        async with self._notices.subscribe(channel, only) as hint:
            yield hint


async def _codecs(connection: "asyncpg.Connection[Any]") -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )


async def _tidy(connection: "asyncpg.Connection[Any]") -> None:
    """Make a connection ready for its next user.

    Nothing here leaves anything behind on a connection (settings are `SET LOCAL`, session locks
    are on connections of their own), so that nothing need be undone: asyncpg's own way costs
    every user a round trip. Only a transaction that was broken off is in the way.
    """
    if connection.is_in_transaction():
        await connection.reset()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what asyncpg raises when PostgreSQL is away into our own errors."""
    try:
        yield
    except _AGAIN as err:
        raise Contended from err
    except asyncpg.ForeignKeyViolationError as err:
        raise Removed from err
    except AWAY as err:
        if isinstance(err, ValueError):
            raise  # asyncpg's word for a wrong argument: our mistake
        raise DatabaseAway from err
    except _FULL as err:
        raise DatabaseFull from err

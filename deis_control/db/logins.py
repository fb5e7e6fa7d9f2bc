"""Failed logins, by account and address."""

from deis_control.db.pool import Connection
from deis_control.rules.logins import FORGOTTEN, Counted, Failures

_COUNTS = """
SELECT sum(failures) FILTER (WHERE username = $1 AND address = $2) AS pair,
       extract(epoch FROM now() - max(last) FILTER (WHERE username = $1 AND address = $2))
           AS pair_age,
       sum(failures) FILTER (WHERE username = $1) AS account,
       extract(epoch FROM now() - max(last) FILTER (WHERE username = $1)) AS account_age,
       sum(failures) FILTER (WHERE address = $2) AS address,
       extract(epoch FROM now() - max(last) FILTER (WHERE address = $2)) AS address_age
FROM login_failures
WHERE (username = $1 OR address = $2) AND last > now() - make_interval(secs => $3)
"""


async def lock(conn: Connection, username: str) -> None:
    """Let one login of an account at a time be counted, until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('login ' || $1))", username)


async def failures(conn: Connection, username: str, address: str) -> dict[Counted, Failures]:
    """What is counted of them; kinds without a failure are left out."""
    row = await conn.fetchrow(_COUNTS, username, address, float(FORGOTTEN))
    assert row is not None
    return {
        counted: Failures(row[counted.value], float(row[f"{counted.value}_age"]))
        for counted in Counted
        if row[counted.value]
    }


async def count(conn: Connection, username: str, address: str) -> None:
    """One more failure; what is forgotten begins anew."""
    await conn.execute(
        """INSERT INTO login_failures AS known (username, address, failures, last)
        VALUES ($1, $2, 1, now()) ON CONFLICT (username, address) DO UPDATE SET last = now(),
        failures = 1 + CASE WHEN known.last > now() - make_interval(secs => $3)
                            THEN known.failures ELSE 0 END""",
        username,
        address,
        float(FORGOTTEN),
    )


async def take_back(conn: Connection, username: str, address: str) -> None:
    """One failure less: nobody could tell whether it was one."""
    await conn.execute(
        """UPDATE login_failures SET failures = greatest(failures - 1, 0)
        WHERE username = $1 AND address = $2""",
        username,
        address,
    )


async def forget(conn: Connection, username: str, address: str) -> None:
    """The pair logged in; and what nobody counts any more goes."""
    await conn.execute(
        """DELETE FROM login_failures WHERE (username = $1 AND address = $2)
        OR last < now() - make_interval(secs => $3)""",
        username,
        address,
        float(FORGOTTEN),
    )

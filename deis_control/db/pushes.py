"""The record of pushes that were let in."""

from uuid import UUID

from deis_control.db.pool import Connection
from deis_control.model import Push

_SELECT = """
SELECT pushes.uuid, users.username AS owner, apps.id AS app, pushes.sha, pushes.fingerprint,
       pushes.receive_user, pushes.receive_repo, pushes.ssh_connection,
       pushes.ssh_original_command, pushes.created, pushes.updated
FROM pushes JOIN apps ON apps.uuid = pushes.app JOIN users ON users.id = pushes.owner_id
"""


async def insert(
    conn: Connection,
    uuid: UUID,
    app: UUID,
    owner_id: int,
    *,
    sha: str,
    fingerprint: str,
    receive_user: str,
    receive_repo: str,
    ssh_connection: str,
    ssh_original_command: str,
) -> Push:
    """A push to the app."""
    await conn.execute(
        """INSERT INTO pushes (uuid, app, owner_id, sha, fingerprint, receive_user,
        receive_repo, ssh_connection, ssh_original_command)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        uuid,
        app,
        owner_id,
        sha,
        fingerprint,
        receive_user,
        receive_repo,
        ssh_connection,
        ssh_original_command,
    )
    row = await conn.fetchrow(_SELECT + "WHERE pushes.uuid = $1", uuid)
    assert row is not None
    return Push(**row)

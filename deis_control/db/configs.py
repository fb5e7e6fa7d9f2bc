"""Configs; their values are sealed for their app."""

import json
from typing import Any
from uuid import UUID

from deis_control.db.pool import Connection
from deis_control.errors import NotFound
from deis_control.model import App, Config, ConfigData
from deis_node.cluster.seal import Ring

_SELECT = """
SELECT configs.uuid, apps.id AS app, users.username AS owner, configs."values", configs.memory,
       configs.cpu, configs.tags, configs.created, configs.updated
FROM configs JOIN apps ON apps.uuid = configs.app JOIN users ON users.id = configs.owner_id
"""


async def insert(
    conn: Connection, ring: Ring, app: App, uuid: UUID, owner_id: int, data: ConfigData
) -> Config:
    """A new config of the app."""
    await conn.execute(
        """INSERT INTO configs (uuid, app, owner_id, "values", memory, cpu, tags)
        VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        uuid,
        app.uuid,
        owner_id,
        ring.seal(json.dumps(dict(data.values)).encode(), kind="config", app=app.id),
        dict(data.memory),
        dict(data.cpu),
        dict(data.tags),
    )
    return await get(conn, ring, uuid)


async def of_latest(conn: Connection, ring: Ring, app: UUID) -> Config:
    """The config of the app's latest live release; NotFound without the app. SealError."""
    query = (
        _SELECT
        + """JOIN releases ON releases.config = configs.uuid
        WHERE releases.app = $1 AND releases.state = 'live' ORDER BY version DESC LIMIT 1"""
    )
    row = await conn.fetchrow(query, app)
    if row is None:
        raise NotFound
    return _config(ring, row)


async def get(conn: Connection, ring: Ring, uuid: UUID) -> Config:
    """The config of that uuid; NotFound. SealError when the ring lacks its key."""
    row = await conn.fetchrow(_SELECT + "WHERE configs.uuid = $1", uuid)
    if row is None:
        raise NotFound
    return _config(ring, row)


def _config(ring: Ring, row: Any) -> Config:
    plain = ring.open(row["values"], kind="config", app=row["app"])
    return Config(
        uuid=row["uuid"],
        app=row["app"],
        owner=row["owner"],
        data=ConfigData(json.loads(plain), row["memory"], row["cpu"], row["tags"]),
        created=row["created"],
        updated=row["updated"],
    )

"""What every app shall run at rest, at one glance: the leader's question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from deis_control.db.pool import Connection
from deis_control.rules import running_structure

_SELECT = """
SELECT apps.uuid, apps.id, apps.structure, apps.stopped, apps.destroying, live.version AS release,
       live.build IS NOT NULL AS built, live.tags, live.arch,
       coalesce((SELECT array_agg(domain ORDER BY domain) FROM domains
                 WHERE domains.app = apps.uuid), '{}') AS domains
FROM apps JOIN LATERAL (
    SELECT version, build, configs.tags, coalesce(builds.arch, '') AS arch FROM releases
    JOIN configs ON configs.uuid = releases.config
    LEFT JOIN builds ON builds.uuid = releases.build
    WHERE releases.app = apps.uuid AND state = 'live' ORDER BY version DESC LIMIT 1
) AS live ON true
"""


@dataclass(frozen=True, slots=True)
class Desired:
    """An app's latest live release and formation; `structure` is without stopped types."""

    uuid: UUID
    id: str
    structure: Mapping[str, int]
    destroying: bool
    release: int
    built: bool
    """Whether the release has a build."""
    domains: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    """What a host must be tagged with to take a copy of it."""
    arch: str = ""
    """What its image is built for; empty when that is not known."""


async def of_all(conn: Connection) -> dict[str, Desired]:
    """App id → what it shall run, for every app."""
    rows = await conn.fetch(_SELECT)
    return {row["id"]: _desired(row) for row in rows}


async def of_app(conn: Connection, app: UUID) -> Desired | None:
    """What one app shall run; None when there is no such app."""
    row = await conn.fetchrow(_SELECT + "WHERE apps.uuid = $1", app)
    return None if row is None else _desired(row)


def _desired(row: Any) -> Desired:
    found = dict(row)
    structure = running_structure(found["structure"], found.pop("stopped"))
    return Desired(**found | {"structure": structure, "domains": tuple(row["domains"])})

"""What a builder asks before it builds: may he push, and with which config."""

from dataclasses import dataclass
from uuid import uuid4

from deis_control.db import pushes
from deis_control.db.pool import Database
from deis_control.model import App, Push, User


@dataclass(frozen=True, slots=True)
class NewPush:
    """What is noted of a push (api.md section 14)."""

    sha: str
    fingerprint: str
    receive_user: str
    receive_repo: str
    ssh_connection: str
    ssh_original_command: str


class Pushes:
    """The record of pushes that were let in; `Access.named` lets them in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, app: App, user: User, new: NewPush) -> Push:
        """Note a push to the app; its uuid is the key of the operation that comes of it."""
        async with self._database.transaction("record push") as conn:
            return await pushes.insert(
                conn,
                uuid4(),
                app.uuid,
                user.id,
                sha=new.sha,
                fingerprint=new.fingerprint,
                receive_user=new.receive_user,
                receive_repo=new.receive_repo,
                ssh_connection=new.ssh_connection,
                ssh_original_command=new.ssh_original_command,
            )

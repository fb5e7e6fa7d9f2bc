"""Users' public keys."""

from uuid import uuid4

from deis_control.db import ssh_keys, users
from deis_control.db.pool import Database
from deis_control.model import Act, Page, SshKey, User, Window
from deis_control.rules.accounts import fingerprint
from deis_control.services.audit import note


class Keys:
    """Use cases about keys, and the builder's question whose one is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, owner: User, window: Window) -> Page[SshKey]:
        """The user's own keys."""
        async with self._database.connection() as conn:
            return await ssh_keys.page_of(conn, owner.id, window)

    async def find(self, owner: User, key_id: str) -> SshKey:
        """The user's own key of that id; NotFound."""
        async with self._database.connection() as conn:
            return await ssh_keys.find(conn, owner.id, key_id)

    async def add(self, owner: User, key_id: str, public: str) -> SshKey:
        """Register a key; Invalid when it is none, or somebody's already."""
        print_ = fingerprint(public)
        async with self._database.transaction("add key") as conn:
            made = await ssh_keys.insert(conn, uuid4(), owner.id, key_id, public, print_)
            await note(conn, Act.KEY_ADD, owner, target=key_id, after={"fingerprint": print_})
            return made

    async def remove(self, owner: User, key_id: str) -> None:
        """Remove the user's own key of that id; NotFound."""
        async with self._database.transaction("remove key") as conn:
            await ssh_keys.delete(conn, owner.id, key_id)
            await note(conn, Act.KEY_REMOVE, owner, target=key_id)

    async def holder(self, print_: str) -> tuple[User, SshKey]:
        """Whose key has that MD5 fingerprint, and the key; NotFound when nobody's."""
        async with self._database.connection() as conn:
            key = await ssh_keys.by_fingerprint(conn, print_)
            return await users.find(conn, key.owner), key

"""TLS certificates of custom domains."""

from deis_control.db import certs
from deis_control.db.pool import Database
from deis_control.model import Act, Certificate, Page, User, Window
from deis_control.rules.certs import NewCertificate
from deis_control.services.audit import note
from deis_node.cluster.seal import Ring


class Certs:
    """Use cases about a user's own certificates."""

    def __init__(self, database: Database, ring: Ring) -> None:
        self._database = database
        self._ring = ring

    async def page(self, owner: User, window: Window) -> Page[Certificate]:
        """The user's own certificates."""
        async with self._database.connection() as conn:
            return await certs.page_of(conn, owner.id, window)

    async def find(self, owner: User, common_name: str) -> Certificate:
        """The user's own certificate of that name; NotFound."""
        async with self._database.connection() as conn:
            return await certs.find(conn, owner.id, common_name.lower())

    async def add(self, owner: User, new: NewCertificate) -> Certificate:
        """Keep a certificate; Invalid when there is one of that name, anybody's."""
        async with self._database.transaction("add certificate") as conn:
            made = await certs.insert(conn, self._ring, owner.id, new)
            facts = {"expires": new.expires.isoformat()}
            await note(conn, Act.CERT_ADD, owner, target=new.common_name, after=facts)
            return made

    async def remove(self, owner: User, common_name: str) -> None:
        """Remove the user's own certificate of that name; NotFound."""
        name = common_name.lower()
        async with self._database.transaction("remove certificate") as conn:
            await certs.delete(conn, owner.id, name)
            await note(conn, Act.CERT_REMOVE, owner, target=name)

"""All use cases, for the composition root to make and the API to call."""

from dataclasses import dataclass
from typing import Protocol, Self

from deis_control.db.pool import Database
from deis_control.logger.client import EventLog, LogClient
from deis_control.services.access import Access
from deis_control.services.accounts import Accounts
from deis_control.services.apps import Apps
from deis_control.services.builds import Builds, ImageImporter
from deis_control.services.configs import Configs
from deis_control.services.containers import Containers, CopiesView
from deis_control.services.domains import Domains
from deis_control.services.explain import Explain
from deis_control.services.keys import Keys
from deis_control.services.logs import Logs
from deis_control.services.operations import Operations
from deis_control.services.passwords import Passwords
from deis_control.services.platform import Current
from deis_control.services.previews import PlacementsView, Previews
from deis_control.services.pushes import Pushes
from deis_control.services.releases import Releases
from deis_node.cluster.seal import Ring


class ClusterState(CopiesView, PlacementsView, Protocol):
    """The cluster's state, as far as the use cases look at it."""


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, each under its name."""

    platform: Current
    operations: Operations
    access: Access
    accounts: Accounts
    apps: Apps
    builds: Builds
    configs: Configs
    containers: Containers
    domains: Domains
    explain: Explain
    keys: Keys
    logs: Logs
    pushes: Pushes
    releases: Releases

    @classmethod
    def make(
        cls,
        database: Database,
        ring: Ring,
        platform: Current,
        *,
        images: ImageImporter,
        copies: ClusterState,
        logs: LogClient,
        events: EventLog,
        passwords: Passwords | None = None,
    ) -> Self:
        """All use cases on one database."""
        operations = Operations(database, ring)
        previews = Previews(ring, copies)
        return cls(
            platform=platform,
            operations=operations,
            access=Access(database),
            accounts=Accounts(database, platform, passwords or Passwords()),
            apps=Apps(database, ring, platform, operations, logs),
            builds=Builds(database, ring, operations, images, previews),
            configs=Configs(database, ring, operations, previews),
            containers=Containers(database, ring, operations, copies, events, previews),
            domains=Domains(database),
            explain=Explain(database, copies),
            keys=Keys(database),
            logs=Logs(logs),
            pushes=Pushes(database),
            releases=Releases(database, ring, operations, previews),
        )

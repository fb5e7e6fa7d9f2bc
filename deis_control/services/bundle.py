"""All use cases, for the composition root to make and the API to call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from deis_control.db.pool import Database
from deis_control.ldap.client import Ldap
from deis_control.logger.client import EventLog, LogClient
from deis_control.scheduler.hostconf import HostConfs
from deis_control.scheduler.world import Limits
from deis_control.services.access import Access
from deis_control.services.accounts import Accounts
from deis_control.services.apps import Apps
from deis_control.services.attempts import Attempts
from deis_control.services.audit import Audit
from deis_control.services.builds import Builds, ImageImporter
from deis_control.services.certs import Certs
from deis_control.services.configs import Configs
from deis_control.services.containers import Containers, CopiesView
from deis_control.services.database import DatabaseStates, IntentView
from deis_control.services.domains import Domains
from deis_control.services.explain import Explain
from deis_control.services.hosts import Hosts, HostsView
from deis_control.services.keys import Keys
from deis_control.services.ldap import LdapLogins
from deis_control.services.logs import Logs
from deis_control.services.operations import Operations
from deis_control.services.passwords import Passwords
from deis_control.services.perms import Perms
from deis_control.services.platform import Current
from deis_control.services.previews import PlacementsView, Previews
from deis_control.services.pushes import Pushes
from deis_control.services.reasons import Waits, WorldView
from deis_control.services.releases import Releases
from deis_control.services.runs import Runs
from deis_control.services.tokens import Tokens
from deis_control.services.users import Users
from deis_node.cluster.seal import Ring


class ClusterState(CopiesView, PlacementsView, HostsView, IntentView, WorldView, Protocol):
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
    audit: Audit
    certs: Certs
    containers: Containers
    database: DatabaseStates
    domains: Domains
    explain: Explain
    hosts: Hosts
    keys: Keys
    logs: Logs
    perms: Perms
    pushes: Pushes
    releases: Releases
    tokens: Tokens
    users: Users
    runs: Runs
    waits: Waits

    @classmethod
    def make(
        cls,
        database: Database,
        ring: Ring,
        platform: Current,
        *,
        images: ImageImporter,
        copies: ClusterState,
        hosts: HostConfs,
        logs: LogClient,
        events: EventLog,
        passwords: Passwords | None = None,
        ldap: Ldap | None = None,
        limits: Limits | None = None,
        held: Callable[[], str] = lambda: "",
    ) -> Self:
        """All use cases on one database; `limits` are the scheduler's, its own defaults if None.

        `held` says why no change can be carried out just now.
        """
        operations = Operations(database, ring, held=held)
        passwords = passwords or Passwords()
        by_directory = LdapLogins(database, platform, ldap or Ldap())
        attempts = Attempts(database)
        previews = Previews(ring, copies)
        limits = limits or Limits()
        waits = Waits(database, ring, copies, limits)
        return cls(
            platform=platform,
            operations=operations,
            access=Access(database),
            accounts=Accounts(database, platform, passwords, by_directory, attempts),
            apps=Apps(database, ring, platform, operations),
            audit=Audit(database),
            builds=Builds(database, ring, operations, images, previews),
            certs=Certs(database, ring),
            configs=Configs(database, ring, operations, previews),
            containers=Containers(database, ring, operations, copies, events, previews),
            database=DatabaseStates(database, copies),
            domains=Domains(database, platform, events),
            explain=Explain(database, copies, waits),
            hosts=Hosts(database, copies, hosts, limits.separate),
            keys=Keys(database),
            logs=Logs(logs),
            perms=Perms(database, events),
            pushes=Pushes(database),
            releases=Releases(database, ring, operations, previews),
            runs=Runs(database, ring, operations, events),
            tokens=Tokens(database),
            waits=waits,
            users=Users(database, passwords, attempts),
        )

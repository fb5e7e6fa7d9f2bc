"""The domain's records: frozen, without behaviour that needs the outside. PURE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from deis_node.cluster.names import CopyName


@dataclass(frozen=True, slots=True)
class User:
    """An account; the password's hash is not part of it."""

    id: int
    username: str
    email: str
    first_name: str
    last_name: str
    is_superuser: bool
    is_active: bool
    last_login: datetime
    date_joined: datetime
    groups: Sequence[str] = ()
    """Of the directory (LDAP), by name."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the directory (LDAP) says of somebody; empty where it says nothing."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    groups: Sequence[str] = ()


class Scope(StrEnum):
    """What a token is good for; each includes the ones before it."""

    READ = "read"
    """Look at everything but config values."""
    DEPLOY = "deploy"
    """Also change what runs, and look at config values."""
    ADMIN = "admin"
    """Everything that the account may."""

    def covers(self, needed: "Scope") -> bool:
        """Whether a token of this scope may do what needs the other."""
        order = tuple(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without its digits: those are known to its holder alone."""

    id: UUID
    name: str
    """Empty for one that a login made."""
    scope: Scope
    app: UUID | None
    """The only app that it is good for; None for all."""
    app_id: str | None
    created: datetime
    last_used: datetime | None
    """To the minute."""
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Login:
    """Who calls, and by which token."""

    user: User
    token: Token


@dataclass(frozen=True, slots=True)
class SshKey:
    """A user's public key."""

    uuid: UUID
    owner: str
    id: str
    public: str
    fingerprint: str
    """MD5 of the decoded blob, colon-separated lower-case hexadecimal."""
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class App:
    """An app; `structure` is process type → count of the live formation, stopped types too."""

    uuid: UUID
    id: str
    owner: str
    owner_id: int
    structure: Mapping[str, int]
    destroying: bool
    created: datetime
    updated: datetime
    stopped: tuple[str, ...] = ()
    """Process types of which nothing runs though they have a count."""


@dataclass(frozen=True, slots=True)
class ConfigData:
    """What a config holds: values for the environment, limits and tags."""

    values: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, str] = field(default_factory=dict)
    """Process type → `512M`."""
    cpu: Mapping[str, int] = field(default_factory=dict)
    """Process type → shares, 0 to 1024."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """One immutable config of an app."""

    uuid: UUID
    app: str
    owner: str
    data: ConfigData
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Build:
    """One build of an app: an image and what runs in it."""

    uuid: UUID
    app: str
    owner: str
    image: str
    """As given by the user or the builder."""
    reference: str | None
    """By digest in the platform's registry; None while it is not there."""
    sha: str
    """The commit, as given; empty for an image that was pulled."""
    procfile: Mapping[str, str]
    dockerfile: str
    """`true` or a Dockerfile's text for a Dockerfile app, else empty."""
    created: datetime
    updated: datetime
    arch: str = ""
    """What the image is built for, such as `amd64`; empty when that is not known."""


class ReleaseState(StrEnum):
    """Where a release stands; the v1 API sees live ones only."""

    PENDING = "pending"
    LIVE = "live"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Release:
    """A build with a config, numbered."""

    uuid: UUID
    app: str
    owner: str
    version: int
    summary: str
    config: UUID
    build: UUID | None
    state: ReleaseState
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Domain:
    """A custom domain of an app."""

    domain: str
    app: str
    owner: str
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """A TLS certificate; its key is not part of it."""

    id: int
    owner: str
    common_name: str
    expires: datetime
    created: datetime
    updated: datetime


class Act(StrEnum):
    """What somebody did, in the audit trail."""

    REGISTER = "register"
    LOGIN = "login"
    LOGOUT = "logout"
    TOKEN_CREATE = "token.create"  # noqa: S105 - the name of an act
    TOKEN_REMOVE = "token.remove"  # noqa: S105
    TOKEN_REGENERATE = "token.regenerate"  # noqa: S105
    PASSWD = "passwd"  # noqa: S105
    ACCOUNT_CANCEL = "account.cancel"
    ADMIN_GRANT = "admin.grant"
    ADMIN_REVOKE = "admin.revoke"
    APP_CREATE = "app.create"
    APP_TRANSFER = "app.transfer"
    APP_DESTROY = "app.destroy"
    CONFIG_CHANGE = "config.change"
    CONFIG_READ = "config.read"
    BUILD = "build"
    ROLLBACK = "rollback"
    SCALE = "scale"
    RESTART = "restart"
    STOP = "stop"
    START = "start"
    RUN = "run"
    OPERATION_CANCEL = "operation.cancel"
    DOMAIN_ADD = "domain.add"
    DOMAIN_REMOVE = "domain.remove"
    PERM_GRANT = "perm.grant"
    PERM_REVOKE = "perm.revoke"
    KEY_ADD = "key.add"
    KEY_REMOVE = "key.remove"
    CERT_ADD = "cert.add"
    CERT_REMOVE = "cert.remove"
    HOST_CHANGE = "host.change"
    HOST_REBALANCE = "host.rebalance"
    DATABASE_ACCEPT = "database.accept"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit trail."""

    id: int
    at: datetime
    actor: str
    address: str
    token: str
    action: str
    app: str | None
    target: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    outcome: str
    """`ok` or `refused`."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines of the audit trail are wanted; None wants all."""

    app: str | None = None
    actor: str | None = None
    action: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """One `git push` that was let in."""

    uuid: UUID
    owner: str
    app: str
    sha: str
    fingerprint: str
    receive_user: str
    receive_repo: str
    ssh_connection: str
    ssh_original_command: str
    created: datetime
    updated: datetime


class Kind(StrEnum):
    """What a user's change is."""

    BUILD = "build"
    CONFIG = "config"
    ROLLBACK = "rollback"
    SCALE = "scale"
    RESTART = "restart"
    STOP = "stop"
    START = "start"
    DESTROY = "destroy"


class OpPhase(StrEnum):
    """How far an operation is (architecture.md, the life of a change)."""

    QUEUED = "queued"
    PLACING = "placing"
    STARTING = "starting"
    HEALTHY = "healthy"
    PUBLISHED = "published"
    ROUTED = "routed"
    RETIRING = "retiring"
    DONE = "done"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing comes after it."""
        return self in (OpPhase.DONE, OpPhase.FAILED)


@dataclass(frozen=True, slots=True)
class Operation:
    """A user's change and its rollout, without the change itself (`db.operations.delta_of`)."""

    id: UUID
    app: UUID
    app_id: str
    seq: int
    kind: Kind
    actor: str
    actor_id: int
    summary: str
    """What the change is, in words; secrets by name only."""
    phase: OpPhase
    release: int | None
    """The number that it took, if it makes a release."""
    plan: Mapping[str, object]
    """Fixed at placing, the scheduler's own: structure and generations."""
    cancel: bool
    """Somebody asked for its end; honoured up to `routed`."""
    reason: str
    """Why it failed, a sentence; empty otherwise."""
    idempotency_key: str | None
    created: datetime
    started: datetime | None
    ended: datetime | None

    @property
    def outcome(self) -> str | None:
        """`done`, `failed` or `cancelled`; None while it is not over."""
        if not self.phase.ended:
            return None
        cancelled = self.phase is OpPhase.FAILED and self.reason == CANCELLED
        return "cancelled" if cancelled else self.phase.value


CANCELLED = "the change was cancelled"
"""The reason of an operation that failed because somebody asked for its end."""


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """One line of an operation's progress; `seq` lets a watcher resume anywhere."""

    seq: int
    phase: OpPhase
    text: str
    at: datetime


class RunState(StrEnum):
    """How far a one-off command is; `done` whatever its exit code."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing comes after it."""
        return self in (RunState.DONE, RunState.FAILED)


@dataclass(frozen=True, slots=True)
class Run:
    """A one-off command, without what it wrote. It may hold secrets: never log it."""

    uuid: UUID
    app: str
    num: int
    release: int | None
    """None until a host was chosen."""
    command: str
    actor: str
    state: RunState
    exit_code: int | None
    reason: str
    """Why it failed, a sentence."""
    truncated: bool
    """Whether only the end of its output is kept."""
    created: datetime
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Target:
    """What an app shall run: its latest live release with config and build."""

    app: App
    release: Release
    config: Config
    build: Build | None


@dataclass(frozen=True, slots=True)
class CopyState:
    """One copy as the cluster sees it."""

    name: CopyName
    uuid: str
    created: str
    """`YYYY-MM-DDTHH:MM:SSUTC`, of its placement."""
    state: str
    """`initialized`, `created`, `up`, `down`, `destroyed`, `crashed` or `error` (semantics.md
    section 8), and `unknown` while its host is not alive."""


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted; `number` counts from 1, None is the last page."""

    number: int | None = 1
    size: int = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """A part of a list, and where it lies in the whole."""

    items: Sequence[_T]
    count: int
    """Of the whole list."""
    number: int = 1
    pages: int = 1

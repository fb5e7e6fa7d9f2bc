"""What each kind of operation changes: small records, sealed when stored. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deis_control.model import Kind
from deis_node.cluster.records import Record


@dataclass(frozen=True, slots=True)
class RefUpdate(Record):
    """A git ref that moves when the operation succeeds, and only then."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class BuildDelta(Record):
    """Deploy a build; its row exists already."""

    build: str
    """The build's uuid."""
    ref: RefUpdate | None = None


@dataclass(frozen=True, slots=True)
class ConfigDelta(Record):
    """Change a config; None removes a key."""

    values: Mapping[str, str | None] = field(default_factory=dict)
    memory: Mapping[str, str | None] = field(default_factory=dict)
    cpu: Mapping[str, int | None] = field(default_factory=dict)
    tags: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RollbackDelta(Record):
    """Go back to a live release; None is the live one before the latest."""

    version: int | None = None


@dataclass(frozen=True, slots=True)
class ScaleDelta(Record):
    """Set counts of process types; types not named stay."""

    structure: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RestartDelta(Record):
    """Make copies again: all, those of a type, or one."""

    type: str | None = None
    num: int | None = None


@dataclass(frozen=True, slots=True)
class StopDelta(Record):
    """End the copies of a type, or of all, and keep the counts."""

    type: str | None = None


@dataclass(frozen=True, slots=True)
class StartDelta(Record):
    """Run a stopped type again, or all that are, at the counts that were kept."""

    type: str | None = None


@dataclass(frozen=True, slots=True)
class DestroyDelta(Record):
    """Remove the app."""


Delta = (
    BuildDelta
    | ConfigDelta
    | RollbackDelta
    | ScaleDelta
    | RestartDelta
    | StopDelta
    | StartDelta
    | DestroyDelta
)

_KINDS: Mapping[Kind, type[Delta]] = {
    Kind.BUILD: BuildDelta,
    Kind.CONFIG: ConfigDelta,
    Kind.ROLLBACK: RollbackDelta,
    Kind.SCALE: ScaleDelta,
    Kind.RESTART: RestartDelta,
    Kind.STOP: StopDelta,
    Kind.START: StartDelta,
    Kind.DESTROY: DestroyDelta,
}


def kind_of(delta: Delta) -> Kind:
    """The kind of operation that the delta belongs to."""
    return next(kind for kind, cls in _KINDS.items() if isinstance(delta, cls))


def read_delta(kind: Kind, value: bytes) -> Delta:
    """A stored delta; RecordError when it is not one of its kind."""
    return _KINDS[kind].from_bytes(value)

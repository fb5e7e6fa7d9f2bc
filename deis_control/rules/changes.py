"""What an operation changes, in words and for the audit trail; secrets by name only. PURE."""

from collections.abc import Mapping

from deis_control.deltas import (
    BuildDelta,
    ConfigDelta,
    Delta,
    RestartDelta,
    RollbackDelta,
    ScaleDelta,
    StartDelta,
    StopDelta,
)
from deis_control.model import Act, Build, ConfigData, Kind
from deis_control.rules.releases import deployed

_SHOWN = 12

_ACTS: Mapping[Kind, Act] = {
    Kind.BUILD: Act.BUILD,
    Kind.CONFIG: Act.CONFIG_CHANGE,
    Kind.ROLLBACK: Act.ROLLBACK,
    Kind.SCALE: Act.SCALE,
    Kind.RESTART: Act.RESTART,
    Kind.STOP: Act.STOP,
    Kind.START: Act.START,
    Kind.DESTROY: Act.APP_DESTROY,
}


def act_of(kind: Kind) -> Act:
    """The act that the audit trail names for a kind of operation."""
    return _ACTS[kind]


def summary_of(delta: Delta, build: Build | None = None) -> str:
    """The change in a few words: `config: set A, B; unset C`, `scale web=3`, `rollback to v2`."""
    if isinstance(delta, BuildDelta):
        return f"deploy {deployed(build)}" if build is not None else "deploy"
    if isinstance(delta, ConfigDelta):
        return _config(delta)
    if isinstance(delta, RollbackDelta):
        return "rollback" if delta.version is None else f"rollback to v{delta.version}"
    if isinstance(delta, ScaleDelta):
        counts = (f"{kind}={count}" for kind, count in delta.structure.items())
        return f"scale {' '.join(counts)}".rstrip()
    return _steering(delta)


def process(kind: str | None, num: int | None) -> str:
    """`web.1`, `web`, or nothing for all."""
    return ".".join(str(part) for part in (kind, num) if part is not None)


def audited(delta: Delta, build: Build | None = None) -> dict[str, object]:
    """What the audit trail keeps of a change."""
    if isinstance(delta, BuildDelta):
        facts: dict[str, object] = {"build": delta.build}
        return facts if build is None else {**facts, "image": build.image, "sha": build.sha}
    if isinstance(delta, ConfigDelta):
        return _audited_config(delta)
    if isinstance(delta, RollbackDelta):
        return {"version": delta.version}
    if isinstance(delta, ScaleDelta):
        return {"structure": dict(delta.structure)}
    if isinstance(delta, RestartDelta):
        return {"process": process(delta.type, delta.num)}
    if isinstance(delta, StopDelta | StartDelta):
        return {"process": delta.type or ""}
    return {}


def audited_before(data: ConfigData, delta: ConfigDelta) -> dict[str, object]:
    """What of a config the audit trail keeps as it was, of all that a change touches."""
    limits = {
        "memory": {kind: data.memory.get(kind) for kind in delta.memory},
        "cpu": {kind: data.cpu.get(kind) for kind in delta.cpu},
        "tags": {key: data.tags.get(key) for key in delta.tags},
    }
    facts: dict[str, object] = {"set": sorted(data.values.keys() & delta.values.keys())}
    return {name: value for name, value in (facts | limits).items() if value}


def _steering(delta: Delta) -> str:
    if isinstance(delta, RestartDelta):
        return f"restart {process(delta.type, delta.num)}".rstrip()
    if isinstance(delta, StopDelta | StartDelta):
        verb = "stop" if isinstance(delta, StopDelta) else "start"
        return f"{verb} {delta.type or ''}".rstrip()
    return "destroy"


def _config(delta: ConfigDelta) -> str:
    limits = {"memory": delta.memory, "cpu": delta.cpu}
    sections = {
        "config": delta.values,
        "limits": {f"{name} {kind}": v for name, s in limits.items() for kind, v in s.items()},
        "tags": delta.tags,
    }
    parts = [f"{name}: {_set_and_unset(section)}" for name, section in sections.items() if section]
    return "; ".join(parts) or "config: nothing"


def _set_and_unset(section: Mapping[str, object]) -> str:
    given = sorted(key for key, value in section.items() if value is not None)
    gone = sorted(key for key, value in section.items() if value is None)
    words = (("set", given), ("unset", gone))
    return "; ".join(f"{verb} {_listed(keys)}" for verb, keys in words if keys)


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(key[:64] for key in keys[:_SHOWN]) + more


def _audited_config(delta: ConfigDelta) -> dict[str, object]:
    facts: dict[str, object] = {
        "set": sorted(key for key, value in delta.values.items() if value is not None),
        "unset": sorted(key for key, value in delta.values.items() if value is None),
    }
    limits = {"memory": delta.memory, "cpu": delta.cpu, "tags": delta.tags}
    return {name: value for name, value in (facts | limits).items() if value}

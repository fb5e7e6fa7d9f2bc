"""What differs between two releases: build, Procfile, config. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from deis_control.model import Build, Target

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Parts(Generic[_T]):
    """What differs between two mappings, by name."""

    added: Mapping[str, _T]
    changed: Mapping[str, tuple[_T, _T]]
    """Name → before and after."""
    removed: Mapping[str, _T]

    @property
    def pairs(self) -> dict[str, tuple[_T | None, _T | None]]:
        """All of it as name → before and after, None where there is nothing."""
        pairs: dict[str, tuple[_T | None, _T | None]] = dict(self.changed)
        pairs |= {name: (None, value) for name, value in self.added.items()}
        pairs |= {name: (value, None) for name, value in self.removed.items()}
        return dict(sorted(pairs.items()))


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """What differs between two releases of an app. It holds config values: never log it."""

    app: str
    old: int
    new: int
    old_build: Build | None
    new_build: Build | None
    procfile: Parts[str]
    values: Parts[str]
    memory: Parts[str]
    cpu: Parts[int]
    tags: Parts[str]

    @property
    def rebuilt(self) -> bool:
        """Whether the releases have different builds."""
        return _uuid(self.old_build) != _uuid(self.new_build)


def release_diff(old: Target, new: Target) -> ReleaseDiff:
    """What has to change in a release to get the other one."""
    before, after = old.config.data, new.config.data
    return ReleaseDiff(
        app=new.app.id,
        old=old.release.version,
        new=new.release.version,
        old_build=old.build,
        new_build=new.build,
        procfile=parts_of(_procfile(old.build), _procfile(new.build)),
        values=parts_of(before.values, after.values),
        memory=parts_of(before.memory, after.memory),
        cpu=parts_of(before.cpu, after.cpu),
        tags=parts_of(before.tags, after.tags),
    )


def parts_of(old: Mapping[str, _T], new: Mapping[str, _T]) -> Parts[_T]:
    """What differs between two mappings, each part by name."""
    both = sorted(old.keys() & new.keys())
    return Parts(
        added={name: new[name] for name in sorted(new.keys() - old.keys())},
        changed={name: (old[name], new[name]) for name in both if old[name] != new[name]},
        removed={name: old[name] for name in sorted(old.keys() - new.keys())},
    )


def _procfile(build: Build | None) -> Mapping[str, str]:
    return build.procfile if build is not None else {}


def _uuid(build: Build | None) -> object:
    return build.uuid if build is not None else None

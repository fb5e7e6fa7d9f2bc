"""Numbers and summaries of releases (semantics.md section 3). PURE."""

from collections.abc import Mapping

from deis_control.model import Build, ConfigData


def next_version(highest: int) -> int:
    """The number after the highest one ever taken, failed ones included."""
    return highest + 1


def initial_summary(owner: str) -> str:
    """The summary of v1."""
    return f"{owner} created initial release"


def rollback_summary(actor: str, version: int) -> str:
    """The summary of a rollback; it replaces all else."""
    return f"{actor} rolled back to v{version}"


def release_summary(
    actor: str,
    old: ConfigData,
    new: ConfigData,
    old_build: Build | None = None,
    new_build: Build | None = None,
) -> str:
    """What differs from the previous live release, in the contract's words.

    The actor owns the new build and config. Limits are joined like the rest, where the original
    left the ` and ` out.
    """
    parts = (
        _build_part(actor, old_build, new_build),
        _changes(actor, old.values, new.values, ""),
        _limits(actor, old, new),
        _changes(actor, old.tags, new.tags, "tag "),
    )
    return " and ".join(part for part in parts if part) or f"{actor} changed nothing"


def deployed(build: Build) -> str:
    """How a build is named in a summary: the sha's first seven, else the image as given."""
    return build.sha[:7] if build.sha else build.image


def _build_part(actor: str, old: Build | None, new: Build | None) -> str:
    if new is None or (old is not None and old.uuid == new.uuid):
        return ""
    return f"{actor} deployed {deployed(new)}"


def _changes(actor: str, old: Mapping[str, str], new: Mapping[str, str], noun: str) -> str:
    added = sorted(new.keys() - old.keys())
    changed = sorted(key for key in new.keys() & old.keys() if new[key] != old[key])
    deleted = sorted(old.keys() - new.keys())
    verbs = (("added", added), ("changed", changed), ("deleted", deleted))
    parts = [f"{verb} {noun}{', '.join(keys)}" for verb, keys in verbs if keys]
    return f"{actor} {', '.join(parts)}" if parts else ""


def _limits(actor: str, old: ConfigData, new: ConfigData) -> str:
    pairs = (("memory", old.memory != new.memory), ("cpu", old.cpu != new.cpu))
    names = [name for name, differs in pairs if differs]
    return f"{actor} changed limits for {', '.join(names)}" if names else ""

"""Which copies an app runs, and how: structure, commands, limits. PURE."""

from collections.abc import Collection, Mapping

from deis_control.model import Build

SHELL = ("/bin/sh", "-c")
"""What runs a Procfile's command in an image that is not a buildpack's."""

_UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

Structure = Mapping[str, int]
"""Process type → count."""


def default_structure(build: Build) -> dict[str, int]:
    """The formation of an app that was never scaled (semantics.md section 4, step 5)."""
    if not build.sha:
        return {"cmd": 1}
    if build.dockerfile and not build.procfile:
        return {"cmd": 1}
    if build.procfile and "web" not in build.procfile:
        return {"cmd": 1}
    return {"web": 1}


def structure_after(
    structure: Structure, previous: Build | None, new: Build | None
) -> dict[str, int]:
    """The formation once `new` replaces `previous` as the live release's build.

    Types of the previous Procfile that the new one lacks go; `cmd` stays, being in no Procfile.
    An app never scaled, or left without any copy by this, gets the default formation
    (semantics.md section 4 and section 25, row 12). Without a new build nothing changes.
    """
    if new is None:
        return dict(structure)
    gone = (set(previous.procfile) if previous else set()) - set(new.procfile)
    left = {kind: count for kind, count in structure.items() if kind not in gone}
    if not structure or (sum(structure.values()) > 0 and sum(left.values()) == 0):
        return left | default_structure(new)
    return left


def scaled_structure(structure: Structure, requested: Structure) -> dict[str, int]:
    """The formation after a scale: a type at zero stays named only if asked for now."""
    return {kind: count for kind, count in structure.items() if count > 0} | dict(requested)


def running_structure(structure: Structure, stopped: Collection[str]) -> dict[str, int]:
    """What runs of a formation: its types but the stopped ones."""
    return {kind: count for kind, count in structure.items() if kind not in stopped}


def stopped_by(
    structure: Structure, stopped: Collection[str], process_type: str | None
) -> tuple[str, ...]:
    """The stopped types after a stop of one type or of all; only what has a count is stopped."""
    chosen = structure.keys() if process_type is None else {process_type}
    return _counted(structure, {*stopped, *chosen})


def started_by(stopped: Collection[str], process_type: str | None) -> tuple[str, ...]:
    """The stopped types after a start of one type or of all."""
    return () if process_type is None else tuple(sorted(set(stopped) - {process_type}))


def stopped_after(
    stopped: Collection[str], before: Structure, after: Structure, scaled: Collection[str] = ()
) -> tuple[str, ...]:
    """The stopped types once a formation replaces another; `scaled` ones are started by that.

    An app that is stopped as a whole stays so, also with types that it gets now.
    """
    counted = set(_counted(before, before))
    if counted and counted <= set(stopped):
        stopped = {*stopped, *(after.keys() - counted)}
    return _counted(after, set(stopped) - set(scaled))


def command_for(build: Build, process_type: str) -> tuple[str, ...] | None:
    """The arguments that start a type in the build's image; None is the image's own CMD.

    Semantics.md section 8, with `/bin/sh` where the original needed bash.
    """
    if build.sha and not build.dockerfile:
        return ("start", process_type)
    command = build.procfile.get(process_type)
    return None if command is None else (*SHELL, command)


def memory_bytes(limit: str) -> int:
    """`512M`, `20mb`, `1G`, `100B` → bytes, in units of 1024; 0 means no limit."""
    text = limit.upper().removesuffix("B") if limit[-2:-1].isalpha() else limit.upper()
    return int(text[:-1]) * _UNITS[text[-1]]


def stop_event(user: str, verb: str, process_type: str | None) -> str:
    """The app's log line about a stop or a start; `verb` is `stopped` or `started`."""
    return f"{user} {verb} {process_type or 'all processes'}"


def scale_event(user: str, requested: Structure) -> str:
    """The app's log line about a scale (semantics.md section 6)."""
    return f"{user} scaled containers " + " ".join(f"{k}={v}" for k, v in requested.items())


def _counted(structure: Structure, kinds: Collection[str]) -> tuple[str, ...]:
    """Those of the types that have copies, sorted."""
    return tuple(sorted(kind for kind in kinds if structure.get(kind, 0) > 0))

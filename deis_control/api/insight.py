"""Previews, explanations and diffs of releases → JSON: shapes beyond Deis v1. PURE."""

from typing import Any

from deis_control.api.wire import Json
from deis_control.model import Build
from deis_control.rules.diffs import Parts, ReleaseDiff
from deis_control.scheduler.acceptance import Loss
from deis_control.scheduler.rebalance import Rebalance, Shift
from deis_control.scheduler.world import SHARES, ZONE, HostListed, Observed
from deis_control.services.database import DatabaseState
from deis_control.services.explain import Explanation
from deis_control.services.previews import Preview
from deis_control.services.reasons import Waiting
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Instance, LastExit


def preview(found: Preview) -> Json:
    """What a change would do, the answer to `?dry_run=true`."""
    plan, making = found.decided.plan, found.decided.making
    return {
        "dry_run": True,
        "kind": found.kind.value,
        "summary": found.summary,
        "release": plan.release if making is not None else None,
        "release_summary": making.summary if making is not None else None,
        "structure": dict(plan.structure),
        "start": [_copy(copy) for copy in found.difference.start],
        "stop": [_copy(copy) for copy in found.difference.stop],
        "keep": [_copy(copy) for copy in found.difference.keep],
        "queued_before": found.queued_before,
    }


def _copy(copy: CopyName) -> Json:
    return {"name": copy.process, "release": copy.release}


def explanation(found: Explanation) -> Json:
    """Where an app's copies run, why there, and how they do."""
    return {
        "app": found.app.id,
        "release": found.release,
        "structure": dict(found.app.structure),
        "stopped": list(found.app.stopped),
        "processes": [
            _process(item, found.reasons.waits.get(item.copy.container)) for item in found.processes
        ],
        "missing": [
            {**_copy(copy), "waits": found.reasons.missing[copy]} for copy in found.missing
        ],
    }


def waiting(found: Waiting) -> Json:
    """A copy on a host, and what it waits for."""
    copy = found.copy
    return {
        "app": copy.app,
        "process": copy.process,
        "container": copy.container,
        "release": copy.release,
        "state": found.observed.state,
        "waits": found.waits,
    }


def _process(found: Observed, waits: str | None) -> Json:
    placement, copy = found.placed.placement, found.copy
    return {
        "process": copy.process,
        "container": copy.container,
        "type": copy.type,
        "num": copy.num,
        "release": copy.release,
        "generation": copy.generation,
        "host": found.placed.host,
        "why": placement.why,
        "state": found.state,
        "waits": waits,
        **_instance(found.instance),
        "image": placement.image,
        "command": None if placement.command is None else list(placement.command),
        "memory": placement.memory,
        "cpu": placement.cpu,
        "created": placement.created.replace("UTC", "Z"),
    }


def _instance(found: Instance | None) -> Json:
    """What a copy's host says of it; nothing while it has taken no notice."""
    return {
        "phase": found.phase.value if found else None,
        "ready": found is not None and found.ready,
        "address": found.address if found else None,
        "restarts": found.restarts if found else 0,
        "last_exit": _exit(found.last_exit) if found and found.last_exit else None,
        "error": found.error if found else None,
    }


def _exit(found: LastExit) -> Json:
    return {
        "code": found.code,
        "signal": found.signal,
        "oom": found.oom,
        "finished": found.finished or None,
        "why": found.why,
        "lines": list(found.lines),
    }


def host(found: HostListed) -> Json:
    """A host; what only its record says is empty while it is not alive."""
    record = found.host
    return {
        "name": found.name,
        "address": record.address if record else None,
        "alive": found.alive,
        "cordoned": found.conf.cordoned,
        "draining": found.conf.draining,
        "tags": dict(sorted(found.tags.items())),
        "zone": found.tags.get(ZONE, ""),
        "arch": record.arch if record else "",
        "cpus": record.cpus if record else 0,
        "cpus_reserved": found.load.shares / SHARES,
        "memory": record.memory if record else 0,
        "memory_reserved": found.load.reserved,
        "copies": found.load.copies,
        "roles": list(record.roles) if record else [],
        "agent_version": record.agent_version if record else "",
    }


def database(found: DatabaseState) -> Json:
    """How the database and the cluster's store stand to each other."""
    return {
        "behind": found.behind,
        "database": found.counted,
        "store": found.stored,
        "losses": [_loss(loss) for loss in found.losses],
    }


def _loss(found: Loss) -> Json:
    return {
        "app": found.app,
        "removed": found.removed,
        "serves": list(found.serves),
        "release": found.release,
        "stops": [_copy(copy) for copy in found.stops],
    }


def rebalance(found: Rebalance, *, dry_run: bool) -> Json:
    """The moves of a rebalance, and whether there are more to come."""
    return {
        "dry_run": dry_run,
        "moves": [_shift(shift) for shift in found.shifts],
        "more": found.more,
    }


def _shift(found: Shift) -> Json:
    return {
        "app": found.copy.app,
        "process": found.copy.process,
        "container": found.copy.container,
        "from": found.source,
        "to": found.to,
        "why": found.why,
    }


def release_diff(found: ReleaseDiff, *, values: bool) -> Json:
    """What differs between two releases; config values by name only unless `values`."""
    return {
        "app": found.app,
        "from": found.old,
        "to": found.new,
        "build": {
            "from": _build(found.old_build),
            "to": _build(found.new_build),
            "changed": found.rebuilt,
        },
        "procfile": _parts(found.procfile),
        "values": _parts(found.values) if values else _names(found.values),
        "memory": _pairs(found.memory),
        "cpu": _pairs(found.cpu),
        "tags": _pairs(found.tags),
    }


def _build(found: Build | None) -> Json | None:
    if found is None:
        return None
    return {"uuid": str(found.uuid), "image": found.image, "sha": found.sha}


def _parts(found: Parts[Any]) -> Json:
    changed = {name: list(pair) for name, pair in found.changed.items()}
    return {"added": dict(found.added), "changed": changed, "removed": dict(found.removed)}


def _names(found: Parts[Any]) -> Json:
    return {key: list(part) for key, part in _parts(found).items()}


def _pairs(found: Parts[Any]) -> Json:
    return {name: list(pair) for name, pair in found.pairs.items()}

"""Model → JSON: what Deis v1 answered in its form, and what is new; see also `insight`. PURE."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from deis_control.model import (
    App,
    AuditEntry,
    Build,
    Certificate,
    Config,
    Domain,
    Operation,
    Page,
    PhaseLine,
    Push,
    Release,
    Run,
    SshKey,
    Target,
    Token,
    User,
)
from deis_control.services.containers import CopyState

_T = TypeVar("_T")

Json = dict[str, Any]


def stamp(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SSUTC` (api.md 1.8)."""
    return moment.astimezone(UTC).isoformat("T", "seconds")[:19] + "UTC"


def iso(moment: datetime) -> str:
    """ISO with `Z`, as users' dates are; the fraction is left out when it is zero."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def page(found: Page[_T], convert: Callable[[_T], Json], url: Callable[[int], str]) -> Json:
    """A list's page; `url` tells the address of another page's number."""
    return {
        "count": found.count,
        "next": url(found.number + 1) if found.number < found.pages else None,
        "previous": url(found.number - 1) if found.number > 1 else None,
        "results": [convert(item) for item in found.items],
    }


def user(found: User) -> Json:
    """An account (api.md 2.1); staff are the superusers."""
    return {
        "email": found.email,
        "username": found.username,
        "first_name": found.first_name,
        "last_name": found.last_name,
        "is_superuser": found.is_superuser,
        "is_staff": found.is_superuser,
        "groups": list(found.groups),
        "user_permissions": [],
        "last_login": iso(found.last_login),
        "date_joined": iso(found.date_joined),
        "is_active": found.is_active,
    }


def key(found: SshKey) -> Json:
    """A public key (api.md section 12)."""
    return {
        "uuid": str(found.uuid),
        "owner": found.owner,
        "fingerprint": found.fingerprint,
        "created": stamp(found.created),
        "updated": stamp(found.updated),
        "id": found.id,
        "public": found.public,
    }


def app(found: App, domain: str) -> Json:
    """An app (api.md section 3)."""
    return {
        "uuid": str(found.uuid),
        "id": found.id,
        "owner": found.owner,
        "url": f"{found.id}.{domain}",
        "structure": dict(found.structure),
        "created": stamp(found.created),
        "updated": stamp(found.updated),
    }


def config(found: Config) -> Json:
    """A config (api.md section 4)."""
    return {
        "uuid": str(found.uuid),
        "app": found.app,
        "owner": found.owner,
        "values": dict(found.data.values),
        "memory": dict(found.data.memory),
        "cpu": dict(found.data.cpu),
        "tags": dict(found.data.tags),
        "created": stamp(found.created),
        "updated": stamp(found.updated),
    }


def released_config(target: Target) -> Json:
    """A config just released: with a build its values also name app and release."""
    plain = config(target.config)
    if target.build is not None:
        version = f"v{target.release.version}"
        plain["values"] |= {"DEIS_APP": target.app.id, "DEIS_RELEASE": version}
    return plain


def build(found: Build) -> Json:
    """A build (api.md section 5)."""
    return {
        "owner": found.owner,
        "app": found.app,
        "image": found.image,
        "sha": found.sha,
        "procfile": dict(found.procfile),
        "dockerfile": found.dockerfile,
        "created": stamp(found.created),
        "updated": stamp(found.updated),
        "uuid": str(found.uuid),
    }


def release(found: Release) -> Json:
    """A release (api.md section 6)."""
    return {
        "uuid": str(found.uuid),
        "app": found.app,
        "owner": found.owner,
        "created": stamp(found.created),
        "updated": stamp(found.updated),
        "version": found.version,
        "summary": found.summary,
        "config": str(found.config),
        "build": None if found.build is None else str(found.build),
    }


def container(found: CopyState, owner: App) -> Json:
    """A copy (api.md section 7); its owner is the app's."""
    return {
        "owner": owner.owner,
        "app": owner.id,
        "release": f"v{found.name.release}",
        "type": found.name.type,
        "num": found.name.num,
        "state": found.state,
        "created": found.created,
        "updated": found.created,
        "uuid": found.uuid,
    }


def run(found: Run) -> Json:
    """A one-off command, without its output."""
    return {
        "app": found.app,
        "num": found.num,
        "release": found.release,
        "command": found.command,
        "actor": found.actor,
        "state": found.state.value,
        "exit_code": found.exit_code,
        "reason": found.reason,
        "truncated": found.truncated,
        "created": iso(found.created),
        "started": None if found.started is None else iso(found.started),
        "ended": None if found.ended is None else iso(found.ended),
    }


def domain(found: Domain) -> Json:
    """A custom domain (api.md section 10)."""
    return {
        "owner": found.owner,
        "created": stamp(found.created),
        "updated": stamp(found.updated),
        "app": found.app,
        "domain": found.domain,
    }


def superuser(found: User) -> Json:
    """Who administers (api.md 2.7)."""
    return {"username": found.username, "is_superuser": found.is_superuser}


def certificate(found: Certificate) -> Json:
    """A certificate, never with its text or its key (api.md section 13)."""
    return {
        "id": found.id,
        "owner": found.owner,
        "expires": stamp(found.expires),
        "created": stamp(found.created),
        "updated": stamp(found.updated),
        "common_name": found.common_name,
    }


def token(found: Token, current: UUID) -> Json:
    """A token without its digits; `current` is the one that is asked with."""
    return {
        "id": str(found.id),
        "name": found.name,
        "scope": found.scope.value,
        "app": found.app_id,
        "created": iso(found.created),
        "last_used": _iso_or_none(found.last_used),
        "expires": _iso_or_none(found.expires),
        "current": found.id == current,
    }


def operation(found: Operation) -> Json:
    """An operation as far as it has come."""
    return {
        "id": str(found.id),
        "app": found.app_id,
        "seq": found.seq,
        "kind": found.kind.value,
        "actor": found.actor,
        "summary": found.summary,
        "release": found.release,
        "phase": found.phase.value,
        "outcome": found.outcome,
        "cancel": found.cancel,
        "reason": found.reason,
        "created": iso(found.created),
        "started": _iso_or_none(found.started),
        "ended": _iso_or_none(found.ended),
    }


def operation_with_phases(found: Operation, phases: Sequence[PhaseLine]) -> Json:
    """An operation with its progress so far."""
    return {**operation(found), "phases": [phase_line(line) for line in phases]}


def phase_line(found: PhaseLine) -> Json:
    """One line of progress."""
    return {
        "seq": found.seq,
        "phase": found.phase.value,
        "text": found.text,
        "at": iso(found.at),
    }


def audit_entry(found: AuditEntry) -> Json:
    """One line of the audit trail."""
    return {
        "id": found.id,
        "at": iso(found.at),
        "actor": found.actor,
        "address": found.address,
        "token": found.token or None,
        "action": found.action,
        "app": found.app,
        "target": found.target,
        "before": found.before,
        "after": found.after,
        "outcome": found.outcome,
    }


def push(found: Push) -> Json:
    """A push (api.md section 14)."""
    return {
        "uuid": str(found.uuid),
        "owner": found.owner,
        "app": found.app,
        "sha": found.sha,
        "fingerprint": found.fingerprint,
        "receive_user": found.receive_user,
        "receive_repo": found.receive_repo,
        "ssh_connection": found.ssh_connection,
        "ssh_original_command": found.ssh_original_command,
        "created": stamp(found.created),
        "updated": stamp(found.updated),
    }


def release_headers(version: int) -> Mapping[str, str]:
    """The headers that tell which release came of a change."""
    return {"Deis-Release": str(version), "X-Deis-Release": str(version)}

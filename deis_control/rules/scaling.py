"""What may be asked of a scale and a rollback. PURE."""

from collections.abc import Mapping

from deis_control.errors import BadRequest, NotFound
from deis_control.model import Build
from deis_control.rules.coerce import text_form, whole_number
from deis_node.cluster.names import RUN_TYPE

COPIES_LIMIT = 1000
"""Copies of one process type."""

VERSION_LIMIT = (1 << 63) - 1
"""The highest number that a release could have."""


def requested_structure(data: Mapping[str, object]) -> dict[str, int]:
    """Process type → count as posted; BadRequest with the original's texts (api.md 7.1)."""
    try:
        requested = {kind: whole_number(count) for kind, count in data.items()}
    except ValueError as err:
        raise BadRequest(f"Invalid scaling format: {err}") from err
    if any(count < 0 for count in requested.values()):
        raise BadRequest("[u'Must be greater than or equal to zero']")
    if any(count > COPIES_LIMIT for count in requested.values()):
        raise BadRequest(f"[u'Must be at most {COPIES_LIMIT}']")
    return requested


def check_scalable(requested: Mapping[str, int], build: Build | None) -> None:
    """BadRequest when there is no build, or it has no such process type."""
    if build is None:
        raise BadRequest("No build associated with this release")
    for kind in requested:
        if kind != "cmd" and (kind not in build.procfile or kind == RUN_TYPE):
            raise BadRequest(f"Container type {kind} does not exist in application")


def check_stoppable(
    process_type: str | None, structure: Mapping[str, int], build: Build | None
) -> None:
    """BadRequest when there is no build to stop or start, or the app has no such process type."""
    if process_type is None or process_type in structure:
        check_scalable({}, build)
    else:
        check_scalable({process_type: 0}, build)


def requested_version(data: Mapping[str, object]) -> int | None:
    """The version to roll back to; None for the one before.

    BadRequest below 1 or when it is not a number, NotFound beyond what numbers go to.
    """
    given = data.get("version")
    if given in (None, "", 0):
        return None
    try:
        version = whole_number(given)
    except ValueError as err:
        raise BadRequest(f"version must be a number, not {text_form(given)!a}") from err
    if version == 0:
        return None
    if version < 1:
        raise BadRequest("version cannot be below 0")
    if version > VERSION_LIMIT:
        raise NotFound
    return version

"""The platform itself, and what its builders call. PURE."""

from collections.abc import Mapping

from deis_control.api import audit, database, description, hooks, hosts, operations, root
from deis_control.api.bodies import JSON
from deis_control.api.events import EVENT_STREAM
from deis_control.api.openapi import bodies, shapes
from deis_control.api.openapi.declaring import (
    DRY_RUN,
    HTML,
    Answer,
    Described,
    Parameter,
    gives,
    listing,
    nothing,
)
from deis_control.api.openapi.schema import number, text
from deis_control.api.permissions import Endpoint
from deis_control.model import Act

_ETAG = {"ETag": text("Names this text.")}
_KNOWN = {304: Answer("The text is the one that `If-None-Match` names.", headers=_ETAG)}
_IF_NONE_MATCH = Parameter(
    "If-None-Match", text("The `ETag` of the text that the client has."), "header"
)
_SEQ = number("The `seq` of the last line that was seen.", 0, least=0, most=10**18 - 1)
_WRONG_QUERY = {400: "A filter cannot be so."}

DESCRIBED: Mapping[Endpoint, Described] = {
    root.health: Described(
        "Ask whether the API is up",
        {200: Answer("It is.", {HTML: text("`OK`", "OK")})},
    ),
    root.check: Described(
        "Check a token",
        gives(200, shapes.NOTHING),
    ),
    description.document: Described(
        "Get this description",
        {200: Answer("OpenAPI 3.1.", {JSON: {"type": "object"}}, _ETAG)} | _KNOWN,
        parameters=(_IF_NONE_MATCH,),
    ),
    description.page: Described(
        "Read this description",
        {200: Answer("A page for people.", {HTML: text("HTML.")}, _ETAG)} | _KNOWN,
        parameters=(_IF_NONE_MATCH,),
    ),
    audit.page: listing(
        "List who did what",
        shapes.AUDIT_LINE,
        Parameter("app", text("Only on the app of this id.", "hello", limit=255)),
        Parameter("actor", text("Only by this user.", "ann", limit=255)),
        Parameter("action", text("Only this.", "scale", choices=Act)),
        Parameter("outcome", text("Only with this end.", "ok", choices=("ok", "refused"))),
        Parameter("since", text("Only at this time or later.", form="date-time")),
        Parameter("until", text("Only before this time.", form="date-time")),
        doc="Superusers see all; others see what happened to apps that they may use, and what "
        "they did themselves.",
        refusals=_WRONG_QUERY,
    ),
    hosts.page: listing(
        "List hosts",
        shapes.HOST,
        doc="Also those that are not alive, as long as there is a word on them or a copy.",
    ),
    hosts.show: Described("Show a host", gives(200, shapes.HOST)),
    hosts.copies: listing(
        "List a host's copies and what they wait for",
        shapes.HOST_COPY,
        doc="One-off commands too, and copies whose end is not confirmed. It is what this "
        "controller sees; the one that leads decides.",
    ),
    hosts.change: Described(
        "Tag, cordon or drain a host",
        gives(200, shapes.HOST),
        bodies.HOST_CHANGE,
        doc="A cordoned host takes no new copies. A draining one also gives those that it has to "
        "others, each when its successor serves.",
    ),
    hosts.forget: Described(
        "Forget a host",
        nothing(204, "Nothing is left of it."),
        doc="For a host that is gone for good.",
        refusals={409: "It is alive, or still has copies."},
    ),
    hosts.rebalance: Described(
        "Rebalance",
        gives(200, shapes.REBALANCE),
        parameters=(DRY_RUN,),
        doc="As few copies as can be move, so that each process type stands evenly over zones and "
        "hosts, and all copies evenly over processors. Each goes when its successor serves, a few "
        "at a time; types that must not run twice stay. With `dry_run` the moves are only told.",
        refusals={400: "`dry_run` is neither yes nor no."},
    ),
    database.show: Described(
        "See whether the database is older than the store",
        gives(200, shapes.DATABASE),
        doc="It is after an older backup was restored. Until an operator accepts it nothing is "
        "stopped or taken back, whatever changes are made.",
    ),
    database.accept: Described(
        "Accept an older database",
        gives(200, shapes.DATABASE),
        doc="From now on what runs and is not wanted by the database is removed: the answer says "
        "what, as it stood before. `GET /v1/database/` tells it beforehand.",
        refusals={409: "The database is not behind the store."},
    ),
    operations.show: Described(
        "Show or watch an operation",
        {
            200: Answer(
                "The operation; or, asked for by `Accept: text/event-stream`, its progress "
                "until it ends.",
                {
                    JSON: shapes.OPERATION_IN_FULL,
                    EVENT_STREAM: text("Server-sent events; see *Event streams*."),
                },
            )
        },
        parameters=(
            Parameter("after", {**_SEQ, "description": "Streams only: go on after this line."}),
            Parameter("Last-Event-ID", {**_SEQ, "description": "The same."}, "header"),
        ),
        refusals={400: "`after` is no number."},
    ),
    operations.cancel: Described(
        "Cancel an operation",
        gives(202, shapes.OPERATION),
        doc="It ends as `cancelled` and is undone if traffic has not been switched yet; else it "
        "goes on to its end.",
        refusals={409: "The operation has ended."},
    ),
    hooks.push: Described("Let a push in", gives(201, shapes.PUSH), bodies.NEW_PUSH),
    hooks.config: Described("Get an app's config", gives(200, shapes.CONFIG), bodies.RECEIVER),
    hooks.build: Described(
        "Release what was built",
        gives(200, shapes.PUSHED),
        bodies.PUSHED_BUILD,
        refusals={
            409: "The app is being destroyed.",
            503: "The release was tried, did not work out and was undone: `detail` says why.",
        },
    ),
}

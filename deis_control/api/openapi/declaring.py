"""The words that routes are described in. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deis_control.api.answers import PAGE_SIZE
from deis_control.api.bodies import JSON
from deis_control.api.openapi import shapes
from deis_control.api.openapi.schema import (
    Schema,
    Shape,
    either,
    flag,
    listed,
    nullable,
    number,
    text,
)

HTML = "text/html"
PLAIN = "text/plain"


@dataclass(frozen=True)
class Answer:
    """One answer of a route."""

    doc: str
    content: Mapping[str, Schema | Shape] = field(default_factory=dict)
    """Media type → what is in it; none for an empty body."""
    headers: Mapping[str, Schema] = field(default_factory=dict)
    optional_headers: Mapping[str, Schema] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """A field of the query, or a header."""

    name: str
    schema: Schema
    where: str = "query"


@dataclass(frozen=True)
class Described:
    """What the table of routes and the handler do not say of a route.

    The dispatcher's own answers (authentication, permission, method, body) are not declared
    here: `document` knows when they come.
    """

    summary: str
    """A few words, in the imperative."""
    answers: Mapping[int, Answer]
    """The answers of success, and refusals with a body of their own."""
    body: Shape | None = None
    body_required: bool = False
    parameters: tuple[Parameter, ...] = ()
    doc: str = ""
    """More than what the handler's docstring says behind its dash."""
    refusals: Mapping[int, str] = field(default_factory=dict)
    """Further statuses with an error body: when they come."""


def gives(status: int, shape: Schema | Shape, **headers: Schema) -> dict[int, Answer]:
    """The route answers with JSON; `Deis_Release` names the header `Deis-Release`."""
    doc = shape.doc if isinstance(shape, Shape) else shape["description"]
    return {status: Answer(doc, {JSON: shape}, _named(headers))}


def nothing(status: int, doc: str) -> dict[int, Answer]:
    """The route answers without a body."""
    return {status: Answer(doc)}


def listing(
    summary: str,
    item: Shape,
    *more: Parameter,
    doc: str = "",
    refusals: Mapping[int, str] | None = None,
) -> Described:
    """A list in pages."""
    return Described(
        summary,
        gives(200, page_of(item)),
        parameters=(PAGE, PAGE_SIZE_ASKED, *more),
        doc=doc,
        refusals={404: "There is no such page.", **(refusals or {})},
    )


def page_of(item: Shape) -> Shape:
    """A page of a list."""
    return Shape(
        f"PageOf{item.name}s",
        "A page of a list.",
        {
            "count": number("How many there are in the whole list.", 1, least=0),
            "next": nullable(text("The address of the next page; null on the last.")),
            "previous": nullable(text("The address of the page before; null on the first.")),
            "results": listed(item, "What is on this page."),
        },
    )


def changing(described: Described, *, foreseen: bool = True) -> Described:
    """A change of what an app runs: it may be waited for or not, fail, and be refused; it can be
    looked at before (`foreseen`).
    """
    accepted = Answer(
        "The change was accepted and goes on; asked for by `Prefer: respond-async`.",
        {JSON: shapes.OPERATION},
        _named(
            {
                "Location": text("The operation's address."),
                "Preference_Applied": text("`respond-async`."),
            }
        ),
    )
    answers = {**described.answers, 202: accepted}
    return replace(
        described,
        answers=answers | _previewed(described.answers) if foreseen else answers,
        parameters=(*described.parameters, PREFER, *((DRY_RUN,) if foreseen else ())),
        refusals={
            400: "`dry_run` is neither yes nor no."
            if foreseen
            else "`dry_run`: an app's end cannot be tried.",
            409: "The app is being destroyed.",
            503: "The change was tried, did not work out and was undone: `detail` says why.",
            **described.refusals,
        },
    )


def _previewed(answers: Mapping[int, Answer]) -> dict[int, Answer]:
    """The answer to `?dry_run=true`, beside that of success if both are 200."""
    real = answers.get(200)
    if real is None:
        return gives(200, shapes.DRY_RUN)
    content = either(real.content[JSON], shapes.DRY_RUN)
    return {200: Answer(f"{real.doc} With `dry_run`: what would happen.", {JSON: content})}


def _named(headers: Mapping[str, Schema]) -> dict[str, Schema]:
    return {name.replace("_", "-"): schema for name, schema in headers.items()}


PAGE = Parameter(
    "page",
    text("The number of a page, from 1, or `last`.", "1", pattern="^([1-9][0-9]{0,17}|last)$"),
)
PAGE_SIZE_ASKED = Parameter(
    "page_size",
    {**number("How many on a page; what is no such number counts as the default.", 20, least=1)}
    | {"default": PAGE_SIZE},
)
PREFER = Parameter(
    "Prefer",
    text("`respond-async`: do not wait for the end (RFC 7240).", "respond-async"),
    "header",
)
DRY_RUN = Parameter(
    "dry_run", flag("Tell what would happen, and change nothing: `true` or `false`.", example=True)
)
RELEASED: dict[str, Any] = {
    "Deis_Release": text("The new release's number.", "3", pattern="^[0-9]+$"),
    "X_Deis_Release": text("The same; kept for Deis v1.", "3", pattern="^[0-9]+$"),
}

"""The description as Markdown, for `docs/reference/api.md`. PURE."""

from collections.abc import Iterator, Sequence

from deis_control.api.openapi.reading import Group, Object, Operation, Outcome, Reader, Row

_NOTE = "Written by `python contrib/reference.py`; served as `/v1/openapi.json` and `/v1/docs/`."


def page(reader: Reader) -> str:
    """The whole page."""
    groups = reader.groups()
    lines = [f"# {reader.title}: HTTP API {reader.version}", "", _NOTE, "", reader.introduction]
    for group in groups:
        lines += ["", *_group(group)]
    lines += ["", "## Objects"]
    for found in reader.objects():
        lines += ["", *_object(found)]
    return "\n".join(lines) + "\n"


def _group(group: Group) -> Iterator[str]:
    yield f"## {group.title}"
    for operation in group.operations:
        yield ""
        yield from _operation(operation)


def _operation(operation: Operation) -> Iterator[str]:
    yield f"### {operation.summary}"
    yield ""
    yield f"`{operation.method} {operation.path}` – for {operation.who}{_scope(operation)}."
    if operation.doc:
        yield from ("", operation.doc)
    if operation.parameters:
        yield from ("", *_table("parameter", operation.parameters))
    if operation.body:
        yield from ("", f"Body: {operation.body_doc}", "", *_table("field", operation.body))
    done = [outcome for outcome in operation.outcomes if not outcome.refused]
    refused = [outcome for outcome in operation.outcomes if outcome.refused]
    yield from ("", "| answer | |", "|---|---|")
    yield from (_outcome(outcome) for outcome in done)
    yield from ("", f"Errors: {', '.join(str(outcome.status) for outcome in refused)}.")


def _scope(operation: Operation) -> str:
    return f", scope `{operation.scope}`" if operation.scope else ""


def _outcome(outcome: Outcome) -> str:
    shape = f" `{outcome.shape}`" if outcome.shape else ""
    headers = ", ".join(f"`{name}`" for name in outcome.headers)
    sent = f" With {headers}." if headers else ""
    return f"| {outcome.status} | {_cell(outcome.doc)}{_cell(shape)}{sent} |"


def _table(title: str, rows: Sequence[Row]) -> Iterator[str]:
    yield from (f"| {title} | type | |", "|---|---|---|")
    for row in rows:
        where = f" ({row.where})" if row.where else ""
        needed = ", required" if row.required and row.where != "path" else ""
        yield f"| `{row.name}`{where} | {_cell(row.kind)}{needed} | {_cell(row.doc)} |"


def _object(found: Object) -> Iterator[str]:
    yield from (f"### {found.name}", "", found.doc)
    if found.fields:
        yield from ("", "| field | type | |", "|---|---|---|")
    for row in found.fields:
        yield f"| `{row.name}` | {_cell(row.kind)} | {_cell(row.doc)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

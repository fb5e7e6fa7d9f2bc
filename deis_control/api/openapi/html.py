"""The description as a page: no script, nothing loaded from elsewhere, all text escaped. PURE."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from deis_control.api.openapi.reading import Group, Object, Operation, Outcome, Reader, Row
from deis_control.api.openapi.style import STYLE

_INLINE = re.compile(r"`([^`]+)`|\*([^*]+)\*")


def page(reader: Reader) -> str:
    """The whole page."""
    groups, objects = reader.groups(), reader.objects()
    named = frozenset(found.name for found in objects)
    parts = (
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(reader.title)} – HTTP API</title>",
        f"<style>{STYLE}</style></head><body>",
        *_head(reader),
        '<div class="frame">',
        *_contents(reader, groups),
        "<main>",
        *_prose(reader.introduction),
        *(line for group in groups for line in _group(group, named)),
        *_objects(objects, named),
        "</main></div></body></html>",
    )
    return "\n".join(parts) + "\n"


def _head(reader: Reader) -> Iterator[str]:
    yield f"<header><h1>{escape(reader.title)}</h1>"
    yield f"<p>HTTP API {escape(reader.version)} · "
    yield '<a href="/v1/openapi.json">OpenAPI document</a></p></header>'


def _contents(reader: Reader, groups: Sequence[Group]) -> Iterator[str]:
    """The table of contents; on a narrow screen only groups are named."""
    yield '<nav aria-label="Contents"><ul>'
    for title in re.findall(r"^## (.+)$", reader.introduction, re.MULTILINE):
        yield f'<li><a href="#{_slug(title)}">{escape(title)}</a></li>'
    yield "</ul>"
    for group in groups:
        yield f'<h2><a href="#{group.anchor}">{escape(group.title)}</a></h2><ul>'
        for operation in group.operations:
            yield f'<li><a href="#{operation.anchor}">{escape(operation.summary)}</a></li>'
        yield "</ul>"
    yield '<h2><a href="#objects">Objects</a></h2></nav>'


def _group(group: Group, named: frozenset[str]) -> Iterator[str]:
    yield f'<section><h2 id="{group.anchor}">{escape(group.title)}</h2>'
    for operation in group.operations:
        yield from _operation(operation, named)
    yield "</section>"


def _operation(operation: Operation, named: frozenset[str]) -> Iterator[str]:
    yield f'<article id="{operation.anchor}"><h3>{escape(operation.summary)}</h3>'
    yield f'<p class="route"><b class="{operation.method.lower()}">{operation.method}</b> '
    yield f"<code>{_path(operation.path)}</code></p>"
    yield f"<p>{inline(operation.doc)}</p>" if operation.doc else ""
    scope = f" · token’s scope: <b>{operation.scope}</b>" if operation.scope else ""
    yield f'<p class="who">For <b>{escape(operation.who)}</b>{scope}</p>'
    if operation.parameters:
        yield "<h4>Parameters</h4>"
        yield from _table(operation.parameters, named, places=True)
    if operation.body:
        yield f'<h4>Body</h4><p class="note">{inline(operation.body_doc)}</p>'
        yield from _table(operation.body, named)
    yield "<h4>Answers</h4><table><tbody>"
    for outcome in operation.outcomes:
        if not outcome.stock:
            yield _outcome(outcome, named)
    yield "</tbody></table>"
    stock = [outcome for outcome in operation.outcomes if outcome.stock]
    yield f'<p class="stock">{" ".join(_stock(outcome) for outcome in stock)}</p>'
    yield f"<h4>Example</h4><pre>{escape(operation.curl)}</pre>"
    if operation.sample:
        yield "<details><summary>The answer’s body</summary>"
        yield f"<pre>{escape(operation.sample)}</pre></details>"
    yield "</article>"


def _outcome(outcome: Outcome, named: frozenset[str]) -> str:
    kind = f"<br>{_kind(outcome.shape, outcome.link, named)}" if outcome.shape else ""
    others = [kind for kind in outcome.kinds if kind != "application/json"]
    more = f'<br><span class="kind">{escape(", ".join(others))}</span>' if others else ""
    headers = ", ".join(f"<code>{escape(name)}</code>" for name in outcome.headers)
    sent = f'<br><span class="kind">with {headers}</span>' if headers else ""
    return (
        f'<tr class="{"refused" if outcome.refused else "done"}">'
        f"<th><b>{outcome.status}</b> {escape(outcome.reason)}</th>"
        f"<td>{inline(outcome.doc)}{'' if outcome.refused else kind}{more}{sent}</td></tr>"
    )


def _stock(outcome: Outcome) -> str:
    """An error that many routes have: its words in a tip, more of it under Errors."""
    tip = escape(outcome.doc.replace("`", ""))
    return f'<a href="#about-errors" title="{tip}"><b>{outcome.status}</b> {outcome.reason}</a>'


def _table(rows: Sequence[Row], named: frozenset[str], *, places: bool = False) -> Iterator[str]:
    yield "<table><tbody>"
    for row in rows:
        place = f" <small>{row.where}</small>" if places else ""
        needed = " <small class=needed>required</small>" if row.required else ""
        yield f"<tr><th><code>{escape(row.name)}</code>{place}{needed}</th>"
        yield f"<td>{inline(row.doc)}<br>{_kind(row.kind, row.shape, named)}</td></tr>"
    yield "</tbody></table>"


def _objects(objects: Sequence[Object], named: frozenset[str]) -> Iterator[str]:
    yield '<section><h2 id="objects">Objects</h2>'
    for found in objects:
        yield f'<article id="object-{found.name}"><h3>{escape(found.name)}</h3>'
        yield f"<p>{inline(found.doc)}</p>"
        if found.fields:
            yield from _table([_always(row) for row in found.fields], named)
        yield "</article>"
    yield "</section>"


def _always(row: Row) -> Row:
    """The field of an answer: it is always there, and nobody requires it."""
    return Row(row.name, row.kind, row.doc, False, shape=row.shape)


def _kind(words: str, link: str, named: frozenset[str]) -> str:
    text = escape(words)
    item = link.removeprefix("PageOf").removesuffix("s") if link.startswith("PageOf") else link
    if item in named:
        shown = escape(link)
        label = f"page of {escape(item)}" if item != link else shown
        text = text.replace(shown, f'<a href="#object-{item}">{label}</a>', 1)
    return f'<span class="kind">{text}</span>'


def _path(path: str) -> str:
    return re.sub(r"(\{\w+\})", r"<i>\1</i>", escape(path))


def inline(text: str) -> str:
    """One line of our Markdown: code and emphasis."""
    return _INLINE.sub(_mark, escape(text, quote=False))


def _mark(match: re.Match[str]) -> str:
    return f"<code>{match[1]}</code>" if match[1] is not None else f"<em>{match[2]}</em>"


def _slug(title: str) -> str:
    return "about-" + re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")


def _prose(text: str) -> Iterator[str]:
    """Blocks of our Markdown: headings, lists, code and paragraphs, parted by empty lines."""
    yield '<section class="prose">'
    for number, block in enumerate(text.split("```")):
        if number % 2:
            yield f"<pre>{escape(block.strip())}</pre>"
        else:
            yield from (_block(part.strip()) for part in block.split("\n\n") if part.strip())
    yield "</section>"


def _block(text: str) -> str:
    if text.startswith("## "):
        title = text.removeprefix("## ")
        return f'<h2 id="{_slug(title)}">{inline(title)}</h2>'
    if text.startswith("- "):
        items = re.split(r"\n- ", text.removeprefix("- "))
        return "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>"
    return f"<p>{inline(text)}</p>"

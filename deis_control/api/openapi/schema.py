"""The words that shapes are declared in: each makes a piece of JSON Schema 2020-12. PURE."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Schema = dict[str, Any]
"""A piece of JSON Schema. Where it holds a `Shape`, the document has a reference to it."""

STAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}UTC$"


@dataclass(frozen=True)
class Shape:
    """A named JSON object."""

    name: str
    doc: str
    fields: "Mapping[str, Schema | Shape]"
    optional: Collection[str] = ()
    """Fields that may be left out."""
    others: Schema | None = None
    """What fields of any other name hold, if there may be such: the object is a map."""
    keys: str | None = None
    """The pattern of such names."""
    example: Any = field(default=None)
    """For a map, whose fields have none."""

    def schema(self) -> Schema:
        """The object as JSON Schema."""
        found: Schema = {"type": "object", "description": self.doc}
        if self.fields:
            found["properties"] = dict(self.fields)
            found["required"] = [name for name in self.fields if name not in self.optional]
        if self.others is not None:
            found["additionalProperties"] = self.others
        if self.keys is not None:
            found["propertyNames"] = {"pattern": self.keys}
        return _with(found, examples=None if self.example is None else [self.example])


def text(
    doc: str,
    example: str | None = None,
    *,
    limit: int | None = None,
    blank: bool = True,
    pattern: str | None = None,
    choices: Sequence[str] | type[StrEnum] | None = None,
    form: str | None = None,
) -> Schema:
    """Text; `limit` is in characters, `form` a format of JSON Schema."""
    return _with(
        {"type": "string", "description": doc},
        format=form,
        minLength=None if blank else 1,
        maxLength=limit,
        pattern=pattern,
        enum=None if choices is None else [str(choice) for choice in choices],
        examples=None if example is None else [example],
    )


def number(
    doc: str, example: int | None = None, *, least: int | None = None, most: int | None = None
) -> Schema:
    """A whole number."""
    examples = None if example is None else [example]
    found: Schema = {"type": "integer", "description": doc}
    return _with(found, minimum=least, maximum=most, examples=examples)


def real(doc: str, example: float) -> Schema:
    """A number, whole or not."""
    return {"type": "number", "description": doc, "examples": [example]}


def flag(doc: str, example: bool = False) -> Schema:
    """Yes or no."""
    return {"type": "boolean", "description": doc, "examples": [example]}


def uuid(doc: str, example: str = "de1bf5b5-4a72-4f94-a10c-d2a3741cdf75") -> Schema:
    """A uuid."""
    return text(doc, example, form="uuid")


def stamp(doc: str) -> Schema:
    """A time as Deis v1 writes it (api.md 1.8)."""
    return text(doc, "2030-01-31T12:00:00UTC", pattern=STAMP)


def moment(doc: str) -> Schema:
    """A time of RFC 3339."""
    return text(doc, "2030-01-31T12:00:00.601000Z", form="date-time")


def listed(item: "Schema | Shape", doc: str, example: list[Any] | None = None) -> Schema:
    """A list."""
    found: Schema = {"type": "array", "description": doc, "items": item}
    return _with(found, examples=None if example is None else [example])


def mapping(
    value: Schema, doc: str, example: Mapping[str, Any] | None = None, *, keys: str | None = None
) -> Schema:
    """An object whose keys are data; `keys` is their pattern."""
    names = None if keys is None else {"pattern": keys}
    found: Schema = {"type": "object", "description": doc, "additionalProperties": value}
    return _with(found, propertyNames=names, examples=None if example is None else [dict(example)])


def anything(doc: str, example: Any = None) -> Schema:
    """Any JSON value."""
    return _with({"description": doc}, examples=None if example is None else [example])


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    kind = schema["type"]
    found = {**schema, "type": [kind, "null"] if isinstance(kind, str) else [*kind, "null"]}
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found


def either(*schemas: "Schema | Shape") -> Schema:
    """One of these."""
    return {"anyOf": list(schemas)}


def _with(schema: Schema, **more: Any) -> Schema:
    return schema | {name: value for name, value in more.items() if value is not None}

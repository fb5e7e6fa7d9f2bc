"""An OpenAPI document of ours → what a page says of it, in order. PURE."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from deis_control.api.answers import reason
from deis_control.api.bodies import JSON
from deis_control.api.openapi.prose import WHO

Json = Mapping[str, Any]

_HOST = "https://deis.example.com"
_BOUNDS = (("minimum", "≥ {}"), ("maximum", "≤ {}"), ("maxLength", "≤ {} characters"))
_REFUSED = 400


@dataclass(frozen=True)
class Row:
    """One field, parameter or header."""

    name: str
    kind: str
    """Its type in words."""
    doc: str
    required: bool
    where: str = ""
    """Of parameters: `path`, `query` or `header`."""
    shape: str = ""
    """The named shape that it holds, if it does."""


@dataclass(frozen=True)
class Outcome:
    """One answer of a route."""

    status: int
    reason: str
    doc: str
    kinds: tuple[str, ...]
    """Media types."""
    shape: str
    """The JSON in it, in words."""
    link: str
    """The named shape that it is or holds, if it does."""
    headers: tuple[str, ...]
    """Those that not every answer has."""
    stock: bool
    """Whether other routes answer it just so."""

    @property
    def refused(self) -> bool:
        """Whether it is an error."""
        return self.status >= _REFUSED


@dataclass(frozen=True)
class Operation:
    """One route."""

    anchor: str
    method: str
    path: str
    summary: str
    doc: str
    who: str
    scope: str
    parameters: tuple[Row, ...]
    body: tuple[Row, ...]
    body_doc: str
    outcomes: tuple[Outcome, ...]
    curl: str
    sample: str
    """What the answer looks like; empty when it has no body."""


@dataclass(frozen=True)
class Group:
    """Routes that belong together."""

    title: str
    operations: tuple[Operation, ...]

    @property
    def anchor(self) -> str:
        """Its place in a page."""
        return "group-" + re.sub("[^a-z0-9]+", "-", self.title.lower())


@dataclass(frozen=True)
class Object:
    """A named shape."""

    name: str
    doc: str
    fields: tuple[Row, ...]


class Reader:
    """Reads one document."""

    def __init__(self, document: Json) -> None:
        self._document = document

    @property
    def title(self) -> str:
        """What is described."""
        return str(self._document["info"]["title"])

    @property
    def version(self) -> str:
        """Of the API."""
        return str(self._document["info"]["version"])

    @property
    def introduction(self) -> str:
        """What all routes have in common, in Markdown."""
        return str(self._document["info"]["description"])

    def groups(self) -> list[Group]:
        """All routes, in groups."""
        found: dict[str, list[Operation]] = {tag["name"]: [] for tag in self._document["tags"]}
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                read = self._operation(method.upper(), path, operation)
                found[operation["tags"][0]].append(read)
        return [Group(title, tuple(operations)) for title, operations in found.items()]

    def objects(self) -> list[Object]:
        """The named shapes of answers; bodies are shown with their routes."""
        bodies = {name for name in self._bodies() if name is not None}
        return [
            Object(name, schema["description"], tuple(self._fields(schema)))
            for name, schema in self._document["components"]["schemas"].items()
            if name not in bodies and not name.startswith("PageOf")
        ]

    def _bodies(self) -> Iterator[str | None]:
        for methods in self._document["paths"].values():
            for operation in methods.values():
                if "requestBody" in operation:
                    yield _name_of(operation["requestBody"]["content"][JSON]["schema"])

    def _operation(self, method: str, path: str, operation: Json) -> Operation:
        body = operation.get("requestBody")
        schema = {} if body is None else self.whole(body["content"][JSON]["schema"])
        parameters = [self.whole(parameter) for parameter in operation["parameters"]]
        return Operation(
            anchor=operation["operationId"],
            method=method,
            path=path,
            summary=operation["summary"],
            doc=operation["description"],
            who=WHO[operation["x-deis-who"]],
            scope=operation.get("x-deis-scope", ""),
            parameters=tuple(self._parameter(p) for p in parameters if p["name"] != "DEIS-VERSION"),
            body=tuple(self._fields(schema)),
            body_doc=schema.get("description", ""),
            outcomes=tuple(
                self._outcome(int(status), answer)
                for status, answer in operation["responses"].items()
            ),
            curl=self._curl(method, path, operation, parameters, schema),
            sample=self._sample(operation),
        )

    def whole(self, node: Json) -> Json:
        """The node, or what it refers to."""
        if "$ref" not in node:
            return node
        found: Any = self._document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        assert isinstance(found, Mapping)
        return found

    def _parameter(self, parameter: Json) -> Row:
        return Row(
            parameter["name"],
            kind_of(parameter["schema"]),
            parameter["description"],
            parameter.get("required", False),
            parameter["in"],
        )

    def _fields(self, schema: Json) -> Iterator[Row]:
        required = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            doc = field.get("description") or self.whole(field).get("description", "")
            yield Row(name, kind_of(field), doc, name in required, shape=_link(field))
        others = schema.get("additionalProperties")
        if others is not None:
            yield Row("…", kind_of(others), others.get("description", ""), False)

    def _outcome(self, status: int, answer: Json) -> Outcome:
        stock, answer = "$ref" in answer, self.whole(answer)
        content = answer.get("content", {})
        schema = content.get(JSON, {}).get("schema", {})
        headers = (name for name, header in answer["headers"].items() if "$ref" not in header)
        return Outcome(
            status,
            reason(status).title() if status != HTTPStatus.OK else "OK",
            answer["description"],
            tuple(content),
            kind_of(schema) if schema else "",
            _link(schema),
            tuple(headers),
            stock,
        )

    def _sample(self, operation: Json) -> str:
        for status, answer in operation["responses"].items():
            schema = answer.get("content", {}).get(JSON, {}).get("schema")
            if int(status) < _REFUSED and schema not in (None, {"type": "object"}):
                return json.dumps(self.example(schema), indent=2, ensure_ascii=False)
        return ""

    def _curl(
        self, method: str, path: str, operation: Json, parameters: Sequence[Json], body: Json
    ) -> str:
        for parameter in parameters:
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        asked = "" if method == "GET" else f"-X {method} "
        words = [f"curl {asked}{shlex.quote(_HOST + path)}"]
        if {"token": []} in operation["security"] and {} not in operation["security"]:
            words.append('-H "Authorization: token $TOKEN"')
        if {"builder": []} in operation["security"]:
            words.append('-H "X-Deis-Builder-Auth: $KEY"')
        if body:
            text = json.dumps(self.example(body), ensure_ascii=False)
            words += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(text)}"]
        return " \\\n  ".join(words)

    def example(self, node: Json) -> Any:
        """A value of that shape, as the document's examples have it."""
        schema = self.whole(node)
        if schema.get("examples"):
            return schema["examples"][0]
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0])
        if "properties" in schema:
            return {name: self.example(field) for name, field in schema["properties"].items()}
        kind = schema.get("type", "string")
        if kind == "array":
            return [self.example(schema["items"])]
        plain = {"object": {}, "integer": 1, "boolean": False}
        return None if isinstance(kind, list) else plain.get(kind, "")


def kind_of(schema: Json) -> str:
    """A type in words: `text ≤ 30 characters`, `list of App`, `number or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(kind_of(part) for part in schema["anyOf"])
    kinds = schema.get("type", "anything")
    words = " or ".join(
        _word(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)
    )
    if "enum" in schema:
        words = " or ".join(
            f"“{value}”" if value is not None else "null" for value in schema["enum"]
        )
        words = words if len(schema["enum"]) <= _FEW else "one of " + words.replace(" or ", ", ")
    bounds = [form.format(schema[name]) for name, form in _BOUNDS if name in schema]
    return ", ".join([words, *bounds])


_FEW = 4


def _word(kind: str, schema: Json) -> str:
    if kind == "array":
        return f"list of {kind_of(schema['items'])}"
    if kind == "object" and "additionalProperties" in schema:
        inner = schema["additionalProperties"]
        return f"object: name → {kind_of(inner)}"
    named = {"uuid": "uuid", "date-time": "time (RFC 3339)"}.get(schema.get("format", ""), "text")
    return {"string": named, "integer": "number", "boolean": "true or false"}.get(kind, kind)


def _name_of(schema: Json) -> str | None:
    return str(schema["$ref"]).rpartition("/")[2] if "$ref" in schema else None


def _link(schema: Json) -> str:
    """The named shape that a schema is, or lists."""
    for node in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        name = _name_of(node)
        if name is not None:
            return name
    return ""

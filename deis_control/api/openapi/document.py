"""The route table and its descriptions → one OpenAPI 3.1 document. PURE."""

from collections.abc import Mapping, Sequence
from typing import Any

from deis_control.api.bodies import FORM, JSON, MULTIPART
from deis_control.api.headers import API_MAJOR, API_VERSION
from deis_control.api.openapi import refusals
from deis_control.api.openapi.declaring import Answer, Described, Parameter
from deis_control.api.openapi.described import DESCRIBED
from deis_control.api.openapi.paths import path_parameters, tag_of
from deis_control.api.openapi.prose import INTRODUCTION, TITLE
from deis_control.api.openapi.schema import Schema, Shape, text
from deis_control.api.permissions import APP_ROLES, Endpoint, Who
from deis_control.api.routes import ROUTES, Route

Json = dict[str, Any]

_ALWAYS = {
    "DEIS_API_VERSION": text("The API's version.", API_VERSION),
    "DEIS_PLATFORM_VERSION": text("The version of Deis that the platform is compatible with."),
    "Deis-Builder-Port": text("Where `git push` goes.", "2222", pattern="^[0-9]+$"),
    "Deis-Router-Port": text("Where apps are served.", "80", pattern="^[0-9]+$"),
}
_ALWAYS_THERE = {name: {"$ref": f"#/components/headers/{name}"} for name in _ALWAYS}
_VERSION = Parameter(
    "DEIS-VERSION",
    text("The API's major version that the client speaks.", API_MAJOR, choices=(API_MAJOR,)),
    "header",
)
_SCHEMES = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`token <40 hex>`",
    },
    "builder": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Deis-Builder-Auth",
        "description": "The key that the platform gives its builders.",
    },
}


_NESTED = ("object", "array")
"""What a form cannot send, one field each."""


class Undescribed(LookupError):
    """A route has no entry in `openapi.described`."""


def document(routes: Sequence[Route] = ROUTES) -> Json:
    """The description of all routes; Undescribed."""
    shapes = _Shapes()
    names: set[str] = set()
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shapes, names)
    stock = {name: _answer(answer, shapes) for name, answer in refusals.STOCK.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": API_VERSION, "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(tag_of(route) for route in routes)],
        "paths": paths,
        "components": {
            "schemas": shapes.schemas(),
            "responses": stock,
            "parameters": {"DeisVersion": _parameter(_VERSION)},
            "headers": {name: _header(schema) for name, schema in _ALWAYS.items()},
            "securitySchemes": _SCHEMES,
        },
    }


def described(route: Route) -> Described:
    """The route's entry; Undescribed."""
    try:
        return DESCRIBED[route.endpoint]
    except KeyError as err:
        where = "deis_control/api/openapi/described"
        raise Undescribed(f"{route.method} {route.path} has no entry in {where}") from err


def needs(route: Route) -> Who:
    """Who may call the route; to delete, an app's user has to own the app (api.md 1.9)."""
    deleting = route.who is Who.APP_USER and route.method == "DELETE"
    return Who.APP_OWNER if deleting else route.who


class _Shapes:
    """The shapes that were met, each under its name."""

    def __init__(self) -> None:
        self._found: dict[str, Shape] = {}
        self._schemas: dict[str, Any] = {}

    def resolve(self, node: Any) -> Any:
        """The same with references in the place of shapes."""
        if isinstance(node, Shape):
            return self._reference(node)
        if isinstance(node, Mapping):
            return {key: self.resolve(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.resolve(value) for value in node]
        return node

    def schemas(self) -> Json:
        """All of them."""
        return dict(sorted(self._schemas.items()))

    def _reference(self, shape: Shape) -> Json:
        known = self._found.setdefault(shape.name, shape)
        if known != shape:
            raise ValueError(f"two shapes are named {shape.name}")
        if shape.name not in self._schemas:
            self._schemas[shape.name] = {}
            self._schemas[shape.name] = self.resolve(shape.schema())
        return {"$ref": f"#/components/schemas/{shape.name}"}


def _operation(route: Route, shapes: _Shapes, names: set[str]) -> Json:
    entry = described(route)
    parameters = [*path_parameters(route), *entry.parameters]
    found: Json = {
        "operationId": _name(route, names),
        "summary": entry.summary,
        "description": _description(route.endpoint, entry),
        "tags": [tag_of(route)],
        "parameters": [
            *(_parameter(parameter) for parameter in parameters),
            {"$ref": "#/components/parameters/DeisVersion"},
        ],
        "responses": _responses(route, entry, shapes),
        "security": _security(route.who),
        "x-deis-who": needs(route).value,
    }
    if route.who in APP_ROLES | {Who.USER, Who.SUPERUSER}:
        found["x-deis-scope"] = route.endpoint.scope.value
        found["x-deis-app-tokens"] = route.endpoint.confined
    if entry.body is not None:
        found["requestBody"] = _body(entry.body, entry, shapes)
    return found


def _name(route: Route, names: set[str]) -> str:
    """`apps_create`; where one handler serves several paths, the later ones say more."""
    handler = route.endpoint.handler
    module = handler.__module__.rpartition(".")[2]
    name = f"{module}_{handler.__name__}"
    if name in names:
        parts = [part.strip("{}") for part in route.path.split("/") if part.startswith("{")]
        name = "_".join([name, *(part for part in parts if part != "app")])
    if name in names:
        name += "_" + route.path.strip("/").rpartition("/")[2]
    names.add(name)
    return name


def _description(endpoint: Endpoint, entry: Described) -> str:
    """What the handler's docstring says behind its dash, and what the entry adds."""
    said = " ".join((endpoint.handler.__doc__ or "").partition(" — ")[2].split())
    said = said[:1].upper() + said[1:]
    return " ".join(part for part in (said, entry.doc) if part)


def _parameter(parameter: Parameter) -> Json:
    schema = dict(parameter.schema)
    described = {"description": schema.pop("description")}
    examples = schema.pop("examples", None)
    example = {} if examples is None else {"example": examples[0]}
    required = {"required": True} if parameter.where == "path" else {}
    where = {"name": parameter.name, "in": parameter.where}
    return where | described | required | {"schema": schema} | example


def _header(schema: Schema, required: bool = True) -> Json:
    kept = {key: value for key, value in schema.items() if key != "description"}
    return {"description": schema["description"], "required": required, "schema": kept}


def _answer(answer: Answer, shapes: _Shapes) -> Json:
    content = {kind: {"schema": shapes.resolve(found)} for kind, found in answer.content.items()}
    optional = answer.optional_headers
    headers = {name: _header(found) for name, found in answer.headers.items()}
    headers |= {name: _header(found, required=False) for name, found in optional.items()}
    made: Json = {"description": answer.doc, "headers": headers | _ALWAYS_THERE}
    return made | ({"content": content} if content else {})


def _responses(route: Route, entry: Described, shapes: _Shapes) -> Json:
    found = {status: _answer(answer, shapes) for status, answer in entry.answers.items()}
    for status, why in refusals.of(route, entry).items():
        if isinstance(why, Answer):
            found[status] = _answer(why, shapes)
        else:
            found[status] = {"$ref": f"#/components/responses/{why}"}
    return {str(status): found[status] for status in sorted(found)}


def _security(who: Who) -> list[Json]:
    if who is Who.ANYBODY:
        return []
    if who in (Who.GUEST, Who.VISITOR):
        return [{}, {"token": []}]
    return [{"builder": []}] if who is Who.BUILDER else [{"token": []}]


def _body(shape: Shape, entry: Described, shapes: _Shapes) -> Json:
    """JSON; forms too where every field is a plain value."""
    schema = shapes.resolve(shape)
    fields = [*shape.fields.values(), *([shape.others] if shape.others else [])]
    flat = not any(isinstance(found, Shape) or found.get("type") in _NESTED for found in fields)
    kinds = (JSON, FORM, MULTIPART) if flat else (JSON,)
    required = entry.body_required or any(name not in shape.optional for name in shape.fields)
    return {
        "description": shape.doc,
        "required": required,
        "content": {kind: {"schema": schema} for kind in kinds},
    }

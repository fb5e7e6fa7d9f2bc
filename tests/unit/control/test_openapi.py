"""The description's pages, and what the document makes of routes."""

import copy
from typing import Any

import pytest

from deis_control.api.openapi import html, markdown
from deis_control.api.openapi.document import document
from deis_control.api.openapi.reading import Reader, kind_of
from deis_control.api.openapi.served import content_policy, description

DOCUMENT = document()


def _operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def test_text_is_escaped_wherever_it_stands() -> None:
    hostile = copy.deepcopy(DOCUMENT)
    bad = "<script>x</script>\"'&"
    hostile["info"]["description"] += f"\n\n## {bad}\n\n- {bad}\n\n```\n{bad}\n```\n\n`{bad}`"
    found = hostile["paths"]["/v1/apps/"]["post"]
    found["summary"] = found["description"] = bad
    field = hostile["components"]["schemas"]["NewApp"]["properties"]["id"]
    field["description"], field["examples"] = bad, [bad]
    page = html.page(Reader(hostile))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 8


def test_the_pages_name_every_route() -> None:
    page, text = html.page(Reader(DOCUMENT)), markdown.page(Reader(DOCUMENT))
    for path, methods in DOCUMENT["paths"].items():
        for method, found in methods.items():
            assert f'id="{found["operationId"]}"' in page
            assert f"`{method.upper()} {path}`" in text


def test_every_link_of_the_page_leads_somewhere() -> None:
    page = html.page(Reader(DOCUMENT))
    targets = {part.partition('"')[0] for part in page.split('href="#')[1:]}
    places = {part.partition('"')[0] for part in page.split(' id="')[1:]}
    assert targets <= places
    assert len(page.split(' id="')) - 1 == len(places)


def test_the_texts_are_made_once() -> None:
    assert description() is description()
    assert description().page.policy == content_policy()
    assert description().document.policy is None


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/healthz", "get", "200 405"),
        ("/v1/", "get", "200 401 405 406 503"),
        ("/v1/auth/register/", "post", "201 400 403 405 406 409 413 415 503"),
        ("/v1/auth/login/", "post", "200 400 401 405 406 409 413 415 429 503"),
        ("/v1/users/", "get", "200 401 403 404 405 406 503"),
        ("/v1/apps/{app}/scale/", "post", "200 202 204 400 401 403 404 405 406 409 413 415 503"),
        ("/v1/hooks/push/", "post", "201 400 401 403 404 405 406 409 413 415 503"),
    ],
)
def test_statuses_follow_from_the_row(path: str, method: str, statuses: str) -> None:
    assert " ".join(_operation(path, method)["responses"]) == statuses


def test_who_and_scope_are_told() -> None:
    scale = _operation("/v1/apps/{app}/scale/", "post")
    assert (scale["x-deis-who"], scale["x-deis-scope"]) == ("app user", "deploy")
    assert scale["security"] == [{"token": []}]
    assert _operation("/v1/apps/{app}/", "delete")["x-deis-who"] == "app owner"
    assert _operation("/v1/hooks/push/", "post")["security"] == [{"builder": []}]
    assert _operation("/healthz", "get")["security"] == []
    assert {} in _operation("/v1/auth/login/", "post")["security"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "maxLength": 30}, "text, ≤ 30 characters"),
        ({"type": ["integer", "null"], "minimum": 0}, "number or null, ≥ 0"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/App"}}, "list of App"),
        ({"enum": ["a", None], "type": ["string", "null"]}, "“a” or null"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object: name → number"),
        ({}, "anything"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert kind_of(schema) == words

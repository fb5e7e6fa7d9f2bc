"""Valid records of the domain with defaults: a test names only what it is about."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from deis_control.model import App, Build

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def make_build(**facts: Any) -> Build:
    """A push with a Procfile that names `web`."""
    defaults = {
        "uuid": uuid4(),
        "app": "hello",
        "owner": "bob",
        "image": "hello",
        "reference": None,
        "sha": "a" * 40,
        "procfile": {"web": "serve"},
        "dockerfile": "true",
        "created": NOW,
        "updated": NOW,
    }
    return Build(**defaults | facts)


def make_app(**facts: Any) -> App:
    """Bob's app `hello`."""
    defaults = {
        "uuid": UUID(int=1),
        "id": "hello",
        "owner": "bob",
        "owner_id": 1,
        "structure": {},
        "destroying": False,
        "created": NOW,
        "updated": NOW,
    }
    return App(**defaults | facts)

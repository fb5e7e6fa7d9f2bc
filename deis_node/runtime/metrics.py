"""Metrics: prometheus-client, and the page that shows them.

A metric is made once, at the top of the module that counts; its name starts with `deis_` and
ends with its unit (`_total`, `_seconds`, `_bytes`).
"""

from collections.abc import Sequence

from prometheus_client import REGISTRY, Counter, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What `page()` is to be served as."""


def counter(name: str, doc: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows."""
    return Counter(name, doc, labels)


def page() -> bytes:
    """All metrics of the process in Prometheus' text format."""
    return generate_latest(REGISTRY)

"""Typed readers of setting values: what they let through, and nothing else."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given

from deis_node.router import values
from tests.unit.router.strategies import hostile


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (values.flag, "true", True),
        (values.flag, "OFF", False),
        (values.integer(1, 9), " 5 ", 5),
        (values.workers, "auto", 0),
        (values.workers, "4", 4),
        (values.size, "10M", "10m"),
        (values.size, "0", "0"),
        (values.seconds, "1300", 1300.0),
        (values.seconds, "20m", 1200.0),
        (values.seconds, "500ms", 0.5),
        (values.agents, '"msie6"', "msie6"),
        (values.mime_types, "text/css, text/plain", ("text/css", "text/plain")),
        (values.networks, "10.0.0.1/8 ::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
        (values.guest, "10.0.0.0/8:office", ip_network("10.0.0.0/8")),
        (values.guest, "2001:db8::1:office", ip_network("2001:db8::1")),
        (values.guest, "2001:db8::1:beef", ip_network("2001:db8::1:beef")),
        (values.guests, "1.2.3.4:a, ,5.6.7.8", (ip_network("1.2.3.4"), ip_network("5.6.7.8"))),
        (values.label, "deis", "deis"),
    ],
)
def test_values_are_read(read: Callable[[str], Any], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.flag, "maybe"),
        (values.integer(1, 9), "10"),
        (values.integer(1, 9), "-1"),
        (values.integer(1, 9), "\u0665"),
        (values.integer(1, 9), "9" * 5000),
        (values.size, "1m; }"),
        (values.size, "1t"),
        (values.seconds, "0"),
        (values.seconds, "1e3"),
        (values.seconds, "999999999d"),
        (values.agents, 'a"; }'),
        (values.agents, "(("),
        (values.mime_types, "text/css;"),
        (values.networks, "10.0.0.0/99"),
        (values.network, "fe80::1%eth0"),
        (values.guest, "office"),
        (values.label, "a.b"),
        (values.label, "A"),
    ],
)
def test_other_values_are_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError):
        read(text)


@given(hostile)
def test_no_text_gets_through_that_nginx_could_read_otherwise(text: str) -> None:
    readers: tuple[Callable[[str], Any], ...] = (
        values.size,
        values.agents,
        values.mime_types,
        values.guest,
        values.label,
        values.seconds,
    )
    for read in readers:
        try:
            shown = str(read(text))
        except ValueError:
            continue
        assert not set(shown) & set(';{}"\\$#\n\r\0`')

"""What keys and values mean to a router, whatever is in them."""

import json
import re
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.records import Endpoint, Route
from deis_node.router import model
from deis_node.router.model import AppRoute, ModelError
from tests.unit.router.strategies import hostile, json_values


def test_a_route_is_read() -> None:
    record = Route("hello", {"2": 90, "3": 10, "1": 0}, ("WWW.Example.com.",), ("10.0.0.1/8",))
    assert model.read_route("hello", record.to_bytes()) == AppRoute(
        {2: 90, 3: 10}, ("www.example.com",), (ip_network("10.0.0.0/8"),)
    )


def test_wrong_names_and_guests_are_left_out_alone() -> None:
    record = Route("hello", {"1": 1}, ("*.x", "www.x.com"), ("everybody", "10.0.0.1"))
    route = model.read_route("hello", record.to_bytes())
    assert route.domains == ("www.x.com",)
    assert route.guests == (ip_network("10.0.0.1"),)
    assert len(route.problems) == 2


def test_a_whitelist_without_a_right_entry_lets_nobody_in() -> None:
    record = Route("hello", {"1": 1}, whitelist=("everybody",))
    assert model.read_route("hello", record.to_bytes()).guests == ()


def test_a_record_of_another_app_is_refused() -> None:
    with pytest.raises(ModelError, match="another app"):
        model.read_route("evil", Route("victim").to_bytes())


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Example.COM.", "example.com"),
        ("a" * 63 + ".com", "a" * 63 + ".com"),
        ("xn--nxasmq6b.com", "xn--nxasmq6b.com"),
        ("under_score.com", "under_score.com"),
        ("10.0.0.1.xip.io", "10.0.0.1.xip.io"),
    ],
)
def test_domains_are_normal(text: str, domain: str) -> None:
    assert model.read_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "*.x.com",
        "a b",
        "a" * 64,
        "-a.com",
        "a-.com",
        "x.com:80",
        "a/b",
        "\u212a.com",
        "x.com..",
        "a\n",
        "\na",
        "(",
        "a" * 63 + (".a" * 100),
    ],
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        model.read_domain(text)


@given(hostile)
def test_a_domain_is_a_plain_word(text: str) -> None:
    try:
        domain = model.read_domain(text)
    except ModelError:
        return
    assert re.fullmatch(r"[a-z0-9_.-]{1,253}", domain)
    assert domain == text.lower().removesuffix(".")


@given(hostile)
def test_an_address_is_an_ip_and_a_port(text: str) -> None:
    try:
        address = model.read_address(text)
    except ModelError:
        return
    assert re.fullmatch(r"([0-9.]+|\[[0-9a-f:.]+\]):[1-9][0-9]{0,4}", address)


@pytest.mark.parametrize(
    ("text", "address"), [("10.0.0.1:080", "10.0.0.1:80"), ("[0::1]:80", "[::1]:80")]
)
def test_an_address_has_one_spelling(text: str, address: str) -> None:
    assert model.read_address(text) == address


@given(json_values | st.fixed_dictionaries({"app": st.just("hello"), "releases": json_values}))
def test_any_json_is_a_route_or_refused(value: Any) -> None:
    try:
        route = model.read_route("hello", json.dumps(value).encode())
    except ModelError:
        return
    assert all(release > 0 and weight > 0 for release, weight in route.weights.items())


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_refused(value: bytes) -> None:
    for read in (
        lambda: model.read_route("hello", value),
        lambda: model.read_peer(value, 1),
        lambda: model.read_host(value),
        lambda: model.read_controller(value, 1),
    ):
        with pytest.raises(ModelError):
            read()


def test_deep_json_is_refused() -> None:
    with pytest.raises(ModelError):
        model.read_route("hello", b"[" * 100_000)


def test_a_peer_knows_its_ip() -> None:
    peer = model.read_peer(Endpoint("[::1]:80", "h1", 3).to_bytes(), 7)
    assert (peer.ip, peer.host, peer.release, peer.revision) == ("[::1]", "h1", 3, 7)


@pytest.mark.parametrize("key", ["/deis/routes/", "/deis/routes/a/b", "/deis/routes/A"])
def test_keys_that_name_no_app_are_refused(key: str) -> None:
    with pytest.raises(ModelError):
        model.app_of_route(key)

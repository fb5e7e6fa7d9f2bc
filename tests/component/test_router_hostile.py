"""Hostile records in etcd (faults.md E.4): whatever one app's hold, the others answer as before."""

import json
from typing import Any

import pytest

from deis_node.cluster import keys
from tests.fixtures.router import App, RouterBench
from tests.fixtures.waiting import eventually

TEXTS = (
    ";",
    "|",
    "$(id)",
    "`id`",
    "'",
    '"',
    "\\",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x00b",
    "-lead",
    "--upload-pack=x",
    "../x",
    "/etc/passwd",
    "%2e%2e",
    "//host",
    "{{x}}",
    "}",
    "{",
    "#",
    "${VAR}",
    "",
    "   ",
    "\u0440aypal",
    "\u202eevil",
    "\U0001f600",
    "\u212aelvin.com",
    "*",
    "*.",
    "_",
    "localhost",
    "deis.localhost",
    "VICTIM.localhost.",
    "www.victim.com",
    "victim.com",
    "127.0.0.1",
    "169.254.169.254",
    "[::1]",
    "::/0",
    "0.0.0.0/0",
    "1e309",
    "+l:victim app evil * - -",
    "a +l:victim",
    "x" * 300,
    "x" * 65536,
    "x\n+l:victim app evil * - -\n",
    "x -l:victim",
)


async def answers(router: RouterBench) -> list[tuple[int, str]]:
    """What others get, before and after."""
    hosts = ("victim.localhost", "www.victim.com", "deis.localhost", "nobody.x")
    found = [await router.get(host) for host in hosts]
    return [(answer.status, answer.app if answer.status == 200 else "") for answer in found]


async def put(router: RouterBench, key: str, value: Any) -> None:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    await router.etcd.put(key, text)


async def settle(router: RouterBench, hello: App) -> None:
    """Wait until everything that was put before is served."""
    release = (await router.etcd.revision()) + 1
    await router.serve("marker", hello, release=release)


@pytest.fixture
async def victim(router: RouterBench, hello: App) -> RouterBench:
    await router.serve("victim", hello, domains=("www.victim.com",))
    return router


async def test_hostile_domains_and_whitelists(victim: RouterBench, hello: App, other: App) -> None:
    before = await answers(victim)
    await victim.publish("evil", 1, other.address)
    for number in range(0, len(TEXTS), 8):
        texts = TEXTS[number : number + 8]
        await victim.serve("evil", other, domains=texts, whitelist=(*texts, "127.0.0.1"))
        assert (await victim.get("evil.localhost")).app == "two"
        assert await answers(victim) == before


async def test_hostile_keys(victim: RouterBench, hello: App, other: App) -> None:
    before = await answers(victim)
    for text in TEXTS:
        if len(text) < 1000:
            route = {"app": text, "releases": {"1": 1}, "domains": ["www.victim.com"]}
            await put(victim, keys.ROUTES + text, route)
            endpoint = {"address": other.address, "host": "h1", "release": 1}
            await put(victim, f"{keys.SERVICES}{text}/web", endpoint)
            await put(victim, f"{keys.SERVICES}victim/{text}/x", endpoint)
    await settle(victim, hello)
    assert await answers(victim) == before


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"app": "evil"' + b" " * 70_000 + b"}",
        b"[" * 10_000,
        b'{"app": "victim", "releases": {"1": 1}}',
        b'{"app": "evil", "releases": {"1": -1}}',
        b'{"app": "evil", "releases": {"1": 1e309}}',
        b'{"app": "evil", "releases": {"1": NaN}}',
        b'{"app": "evil", "releases": {"1": 9223372036854775808}}',
        b'{"app": "evil", "releases": {"x": 1}}',
        b'{"app": "evil", "releases": {"1": true}}',
        b'{"app": "evil", "releases": {"1": "1"}}',
        b'{"app": "evil", "releases": {"1": 1}, "domains": "www.victim.com"}',
        b'{"app": "evil", "releases": {"1": 1}, "domains": [1]}',
        b'{"app": "evil", "app": "victim", "releases": {}}',
    ],
)
async def test_values_that_are_no_routes(
    victim: RouterBench, hello: App, other: App, value: bytes
) -> None:
    await victim.serve("evil", other)
    before = await answers(victim)
    await put(victim, keys.route("evil"), value)
    await settle(victim, hello)
    assert await answers(victim) == before
    assert (await victim.get("evil.localhost")).status == 503


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:80 ",
        "127.0.0.1:80,10.0.0.1:80",
        "127.0.0.1:80;\n+l:victim app evil * - -",
        "localhost:80",
        "127.1:80",
        "0127.0.0.1:80",
        "unix:/x:80",
        "[::1%lo]:80",
        "127.0.0.1:\u0661",
    ],
)
async def test_addresses_that_are_none(
    victim: RouterBench, hello: App, other: App, address: str
) -> None:
    before = await answers(victim)
    await victim.publish("evil", 1, other.address, address)
    record = await victim.acknowledged(await victim.route("evil", 1))
    assert "evil_v1.web.2" in record.errors["evil"]
    assert {(await victim.get("evil.localhost")).app for _ in range(6)} == {"two"}
    assert await answers(victim) == before


async def test_a_domain_stays_with_the_app_that_had_it(victim: RouterBench, other: App) -> None:
    await victim.serve("evil", other, domains=("www.victim.com",))
    record = await victim.record()
    assert record is not None
    assert "belongs to another app" in record.errors["evil"]
    assert (await victim.get("www.victim.com")).app == "one"
    await victim.end()
    victim.start()
    await victim.serve("evil", other, release=2, domains=("www.victim.com",))
    assert (await victim.get("www.victim.com")).app == "one"
    await victim.route("victim", 1)
    await victim.answers("www.victim.com", "two")


async def test_an_app_of_the_controllers_name_is_not_served(
    victim: RouterBench, other: App
) -> None:
    before = await answers(victim)
    await victim.serve("deis", other, domains=("www.mine.com",))
    assert await answers(victim) == before
    assert (await victim.get("www.mine.com")).status == 404


async def test_a_platform_name_that_no_app_has_may_be_a_domain(
    victim: RouterBench, other: App
) -> None:
    await victim.serve("other", other, domains=("later.localhost",))
    assert (await victim.get("later.localhost")).app == "two"
    await victim.serve("later", other, release=1)
    await victim.route("later", 2)

    async def taken() -> bool:
        return (await victim.get("later.localhost")).status == 503

    await eventually(taken)

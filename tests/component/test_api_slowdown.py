"""Logins are slowed down by account and address after failed ones."""

import asyncio
from dataclasses import replace

import pytest

from deis_control.rules import logins as rules
from tests.fixtures.control import Answer, Api, Client

FREE, OF_AN_ACCOUNT = rules.FREE[rules.Counted.PAIR], rules.FREE[rules.Counted.ACCOUNT]
"""Failures of an account that cost nothing: from one address, and from anywhere."""


async def _try(api: Api, password: str = "wrong", address: str = "", name: str = "bob") -> Answer:
    headers = {"X-Forwarded-For": address} if address else {}
    body = {"username": name, "password": password}
    return await api.anonymous.post("/v1/auth/login/", body, headers=headers)


async def _fail(api: Api, times: int, **more: str) -> list[int]:
    return [(await _try(api, **more)).status for _ in range(times)]


async def test_after_some_failures_a_login_is_429_with_a_time(api: Api, bob: Client) -> None:
    assert await _fail(api, FREE) == [400] * FREE
    refused = await _try(api, "secret")
    seconds = refused.headers["Retry-After"]
    assert (refused.status, refused.reason) == (429, "TOO MANY REQUESTS")
    assert refused.json == {"detail": f"Too many failed logins; try again in {seconds} seconds."}
    assert 1 <= int(seconds) <= 60


async def test_a_refused_login_does_not_count_and_the_time_passes(api: Api, bob: Client) -> None:
    await _fail(api, FREE)
    assert await _fail(api, 3) == [429] * 3
    async with api.leader.database.connection() as conn:
        await conn.execute("UPDATE login_failures SET last = last - interval '2 seconds'")
    assert (await _try(api, "secret")).status == 200


async def test_each_further_failure_doubles_the_wait_up_to_a_minute(api: Api, bob: Client) -> None:
    waits = []
    await _fail(api, FREE)
    for _ in range(8):
        waits.append(int((await _try(api)).headers["Retry-After"]))
        async with api.leader.database.connection() as conn:
            await conn.execute("UPDATE login_failures SET last = last - interval '61 seconds'")
        assert (await _try(api)).status == 400
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_tries_at_the_same_time_count_as_well(api: Api, bob: Client) -> None:
    answers = await asyncio.gather(*(_try(api) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [400] * FREE + [429] * (20 - FREE)


async def test_another_address_is_not_hurt(api: Api, bob: Client) -> None:
    await _fail(api, FREE, address="192.0.2.1")
    assert (await _try(api, "secret", "192.0.2.1")).status == 429
    assert (await _try(api, "secret", "192.0.2.2")).status == 200
    assert (await _try(api, "secret", "192.0.2.1")).status == 429, "nor does it help"


async def test_another_account_is_not_hurt(api: Api, admin: Client, bob: Client) -> None:
    await _fail(api, FREE)
    assert (await _try(api, "secret", name="admin")).status == 200


async def test_a_success_forgets(api: Api, bob: Client) -> None:
    for _ in range(3):
        assert await _fail(api, FREE - 1) == [400] * (FREE - 1)
        assert (await _try(api, "secret")).status == 200


async def test_an_account_is_counted_from_everywhere_at_last(api: Api, bob: Client) -> None:
    for number in range(OF_AN_ACCOUNT // FREE):
        assert await _fail(api, FREE, address=f"192.0.2.{number}") == [400] * FREE
    assert (await _try(api, "secret", "198.51.100.1")).status == 429


async def test_an_address_is_counted_with_every_account_at_last(api: Api, bob: Client) -> None:
    for number in range(100):
        assert (await _try(api, address="192.0.2.1", name=f"nobody{number}")).status == 400
    assert (await _try(api, "secret", "192.0.2.1")).status == 429
    assert (await _try(api, "secret", "192.0.2.2")).status == 200


async def test_only_trusted_proxies_say_who_the_client_is(api: Api, bob: Client) -> None:
    api.platform = replace(api.platform, trusted_proxies="198.51.100.0/24")
    for number in range(FREE):
        assert (await _try(api, address=f"192.0.2.{number}")).status == 400
    assert (await _try(api, "secret", "192.0.2.9")).status == 429


async def test_what_a_client_claims_before_the_proxy_counts_for_nothing(
    api: Api, bob: Client
) -> None:
    for number in range(FREE):
        assert (await _try(api, address=f"10.0.0.{number}, 192.0.2.1")).status == 400
    assert (await _try(api, "secret", "10.9.9.9, 192.0.2.1")).status == 429


@pytest.mark.parametrize("address", ["nobody", "fe80::1%" + "x" * 5000, "1.2.3.4.5", ",,,"])
async def test_addresses_that_are_none_count_as_the_proxys(
    api: Api, bob: Client, address: str
) -> None:
    await _fail(api, FREE)
    assert (await _try(api, "secret", address)).status == 429


async def test_names_that_nobody_can_have_are_not_kept(api: Api, bob: Client) -> None:
    """Somebody may have typed his password into the wrong field; and indexes have bounds."""
    long = "".join(chr(97 + number * number % 26) + chr(97 + number % 23) for number in range(9000))
    for name in ("my secret password!", long):
        assert (await _try(api, name=name)).status == 400
    async with api.leader.database.connection() as conn:
        names = await conn.fetch("SELECT username FROM login_failures")
        actors = await conn.fetch("SELECT actor FROM audit WHERE outcome = 'refused'")
    assert {row[0] for row in (*names, *actors)} == {"(no user name)"}


async def test_guessing_when_a_password_is_changed_counts_alike(api: Api, bob: Client) -> None:
    guess = {"password": "wrong", "new_password": "mine"}
    for _ in range(FREE):
        answer = await bob.post("/v1/auth/passwd/", guess)
        assert (answer.status, answer.json) == (400, {"detail": "Current password does not match"})
    right = guess | {"password": "secret"}
    assert (await bob.post("/v1/auth/passwd/", right)).status == 429
    assert (await _try(api, "secret")).status == 429
    lines = (await bob.get("/v1/audit/?action=passwd&outcome=refused")).json
    assert (lines["count"], lines["results"][0]["actor"]) == (FREE, "bob")


async def test_a_name_in_another_case_is_the_same_name(api: Api, bob: Client) -> None:
    for number in range(FREE):
        name = ("bob", "Bob", "BOB")[number % 3]
        assert (await _try(api, name=name)).status == 400
    assert (await _try(api, "secret")).status == 429

"""Addresses that the API listens on: IP addresses, and names with several of them."""

import asyncio
import socket
from contextlib import closing

import aiohttp
import pytest

from deis_control.api.app import make_app
from deis_control.api.entrance import serving
from deis_control.api.listening import Place, listen, resolve
from tests.fixtures.control import Api

FOUR = Place(socket.AF_INET, "127.0.0.1", 0)
SIX = Place(socket.AF_INET6, "::1", 0)
ELSEWHERE = Place(socket.AF_INET, "192.0.2.1", 0)
"""An address that no host has (RFC 5737)."""


async def test_an_address_is_itself_whatever_its_family() -> None:
    assert [str(place) for place in await resolve("127.0.0.1:8000")] == ["127.0.0.1:8000"]
    assert [str(place) for place in await resolve("[::1]:8000")] == ["[::1]:8000"]
    assert [str(place) for place in await resolve("[0:0::1]:8000")] == ["[::1]:8000"]


async def test_a_name_is_each_of_its_addresses_once() -> None:
    places = await resolve("localhost:8000")
    assert "127.0.0.1:8000" in {str(place) for place in places}
    assert len(set(places)) == len(places)


async def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(OSError):
        await resolve("nobody.invalid:8000")


def test_one_port_is_listened_on_at_every_address() -> None:
    four, six = listen([FOUR, SIX], 8)
    with four, six:
        assert four.getsockname()[1] == six.getsockname()[1]
        assert (four.family, six.family) == (socket.AF_INET, socket.AF_INET6)


def test_an_address_that_this_host_has_not_is_passed_over_beside_others() -> None:
    (only,) = listen([ELSEWHERE, FOUR], 8)
    only.close()
    (only,) = listen([FOUR, ELSEWHERE], 8)
    only.close()
    with pytest.raises(OSError, match="assign"):
        listen([ELSEWHERE], 8)


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open() -> None:
    with closing(socket.create_server(("::1", 0), family=socket.AF_INET6)) as taken:
        port = taken.getsockname()[1]
        places = [Place(FOUR.family, FOUR.host, port), Place(SIX.family, SIX.host, port)]
        with pytest.raises(OSError, match="in use"):
            listen(places, 8)
        listen(places[:1], 8)[0].close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "[::1]"])
async def test_the_api_answers_at_every_address_of_its_host(api: Api, host: str) -> None:
    async with serving(make_app(api.services), host, 0) as at, aiohttp.ClientSession() as session:
        found = await resolve(f"{host}:{at.port}")
        assert at in found
        for place in found:
            async with (
                asyncio.timeout(10),
                session.get(f"http://{place}/healthz") as answer,
            ):
                assert answer.status == 200

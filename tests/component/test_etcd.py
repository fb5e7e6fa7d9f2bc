"""The etcd client against a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from deis_node.cluster.etcd import (
    Delete,
    DeletePrefix,
    Etcd,
    EtcdError,
    Get,
    LeaseLost,
    List,
    NoSpace,
    Put,
    Unavailable,
    absent,
    create_revision_is,
    mod_revision_is,
    present,
    value_is,
)
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.ports import free_port
from tests.fixtures.proxy import Relay, relay
from tests.fixtures.waiting import eventually


async def test_a_value_comes_back_as_it_was_put(etcd: Etcd) -> None:
    revision = await etcd.put("/a", b"\x00\xff")
    kv = await etcd.get("/a")
    assert kv is not None
    assert (kv.value, kv.mod_revision, kv.version) == (b"\x00\xff", revision, 1)


async def test_a_key_that_is_not_there_is_none(etcd: Etcd) -> None:
    assert await etcd.get("/a") is None


async def test_an_empty_value_is_no_absent_key(etcd: Etcd) -> None:
    await etcd.put("/a", b"")
    kv = await etcd.get("/a")
    assert kv is not None
    assert kv.value == b""


async def test_a_deleted_key_is_gone(etcd: Etcd) -> None:
    before = await etcd.put("/a", b"1")
    assert await etcd.delete("/a") == before + 1
    assert await etcd.get("/a") is None


async def test_deleting_nothing_changes_no_revision(etcd: Etcd) -> None:
    before = await etcd.revision()
    assert await etcd.delete("/a") == before


async def test_a_list_holds_the_prefix_and_nothing_beside_it(etcd: Etcd) -> None:
    for key in ("/a/1", "/a/2", "/a0", "/b"):
        await etcd.put(key, b"")
    listing = await etcd.list("/a/")
    assert [kv.key for kv in listing.items] == ["/a/1", "/a/2"]


@pytest.mark.parametrize("page", [1, 3, 5, 100])
async def test_a_paged_list_is_complete_and_in_order(etcd: Etcd, page: int) -> None:
    names = [f"/a/{number}" for number in range(10)]
    for name in names:
        await etcd.put(name, b"")
    listing = await etcd.list("/a/", page=page)
    assert [kv.key for kv in listing.items] == names


async def test_the_empty_prefix_lists_everything(etcd: Etcd) -> None:
    await etcd.put("a", b"")
    await etcd.put("\xff", b"")
    assert [kv.key for kv in (await etcd.list("", page=1)).items] == ["a", "\xff"]


async def test_a_key_is_created_once(etcd: Etcd) -> None:
    first = await etcd.txn([absent("/a")], [Put("/a", b"1")])
    second = await etcd.txn([absent("/a")], [Put("/a", b"2")], [Get("/a")])
    assert (first.succeeded, second.succeeded) == (True, False)
    assert second.results[0] is not None
    assert second.results[0].items[0].value == b"1"


async def test_conditions_hold_exactly_when_they_say(etcd: Etcd) -> None:
    made = await etcd.put("/a", b"1")
    changed = await etcd.put("/a", b"2")
    holding = [
        present("/a"),
        absent("/b"),
        mod_revision_is("/a", changed),
        mod_revision_is("/b", 0),
        create_revision_is("/a", made),
        value_is("/a", b"2"),
    ]
    failing = [
        absent("/a"),
        present("/b"),
        mod_revision_is("/a", made),
        create_revision_is("/a", changed),
        value_is("/a", b"1"),
        value_is("/b", b"2"),
    ]
    assert all([(await etcd.txn([compare], [])).succeeded for compare in holding])
    assert not any([(await etcd.txn([compare], [])).succeeded for compare in failing])


async def test_a_transaction_answers_each_of_its_operations(etcd: Etcd) -> None:
    for key in ("/a/1", "/a/2", "/b/1", "/c"):
        await etcd.put(key, b"x")
    result = await etcd.txn((), [Put("/d", b"y"), Delete("/c"), DeletePrefix("/b/"), List("/a/")])
    assert result.results[:3] == (None, None, None)
    assert result.results[3] is not None
    assert [kv.key for kv in result.results[3].items] == ["/a/1", "/a/2"]
    assert [kv.key for kv in (await etcd.list("/")).items] == ["/a/1", "/a/2", "/d"]


async def test_a_key_written_twice_in_a_transaction_is_an_error(etcd: Etcd) -> None:
    with pytest.raises(EtcdError, match="duplicate key"):
        await etcd.txn((), [Put("/a", b"1"), Put("/a", b"2")])


@pytest.mark.parametrize("size", [1_600_000, 3_000_000])
async def test_a_value_beyond_the_limit_is_an_error_and_not_retryable(
    etcd: Etcd, size: int
) -> None:
    with pytest.raises(EtcdError, match="large") as caught:
        await etcd.put("/a", bytes(size))
    assert not isinstance(caught.value, Unavailable)


async def test_a_key_ends_with_its_lease(etcd: Etcd) -> None:
    lease = await etcd.grant(60)
    await etcd.put("/a", b"", lease)
    assert await etcd.keepalive(lease) == 60
    await etcd.revoke(lease)
    assert await etcd.get("/a") is None
    assert await etcd.keepalive(lease) == 0


async def test_a_put_under_a_lost_lease_says_so(etcd: Etcd) -> None:
    with pytest.raises(LeaseLost):
        await etcd.put("/a", b"", 12345)


async def test_revoking_twice_is_no_error(etcd: Etcd) -> None:
    lease = await etcd.grant(60)
    await etcd.revoke(lease)
    await etcd.revoke(lease)


async def test_a_dead_first_endpoint_is_passed_over(etcd_server: EtcdMember, etcd: Etcd) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    async with Etcd([dead, etcd_server.endpoint]) as client:
        await client.put("/a", b"1")
    async with Etcd([dead, etcd_server.endpoint]) as client:
        assert await client.get("/a") is not None


async def test_a_call_without_any_server_is_unavailable_at_once() -> None:
    async with Etcd([f"http://127.0.0.1:{free_port()}"]) as client, asyncio.timeout(2):
        with pytest.raises(Unavailable):
            await client.get("/a")


async def test_a_hung_member_costs_a_write_its_deadline(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    async with Etcd([etcd_server.endpoint], timeout=0.3) as client:
        await client.put("/a", b"1")
        etcd_server.pause()
        try:
            async with asyncio.timeout(5):
                with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
                    await client.put("/a", b"2")
        finally:
            etcd_server.resume()
        await client.put("/a", b"3")
    assert (await etcd.list("/a")).items[0].value == b"3"


async def test_a_read_goes_past_a_hung_member(etcd_server: EtcdMember, etcd: Etcd) -> None:
    async with relay(etcd_server.endpoint) as hung:
        hung.freeze()
        async with Etcd([hung.endpoint, etcd_server.endpoint], timeout=0.3) as client:
            assert await client.get("/a") is None
            await client.put("/a", b"1")


@asynccontextmanager
async def slow_cluster(server: EtcdMember) -> AsyncIterator[tuple[Etcd, Relay, Relay]]:
    """A client of two members whose answers take longer than it usually waits, as it knows now."""
    async with (
        relay(server.endpoint) as one,
        relay(server.endpoint) as two,
        Etcd([one.endpoint, two.endpoint], timeout=0.2) as client,
    ):
        one.delay = two.delay = 0.3
        with pytest.raises(Unavailable):
            await client.get("/a")
        yield client, one, two


async def test_a_cluster_whose_every_member_is_slow_is_waited_for(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    await etcd.put("/a", b"1")
    async with slow_cluster(etcd_server) as (client, one, two), asyncio.timeout(10):
        for number in range(5):
            await client.put("/a", str(number).encode())
            kv = await client.get("/a")
            assert kv is not None
            assert kv.value == str(number).encode()
        one.delay = two.delay = 0.0
        for _ in range(3):
            await client.get("/a")
        one.freeze()
        two.freeze()
        with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):
            await client.put("/a", b"2")
        one.thaw()
        two.thaw()


async def test_a_renewal_that_has_less_time_than_others_leaves_them_where_they_are(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    async with slow_cluster(etcd_server) as (client, _, _):
        lease = await client.grant(10)
        revision = await etcd.put("/a", b"1")
        async with aclosing(client.watch("/a", revision, resume=False)) as batches:
            assert [event.kv.value for event in await anext(batches)] == [b"1"]
            with pytest.raises(Unavailable):
                await client.keepalive(lease, within=0.2)
            await etcd.put("/a", b"2")
            assert [event.kv.value for event in await anext(batches)] == [b"2"]


async def test_a_renewal_that_is_answered_elsewhere_takes_the_others_along(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    async with slow_cluster(etcd_server) as (client, one, two):
        lease = await client.grant(10)
        two.delay = 0.0
        one.freeze()
        assert await client.keepalive(lease, within=0.2) == 10
        async with asyncio.timeout(0.3):
            await client.get("/a")
        one.thaw()


async def test_a_write_that_may_have_arrived_is_not_repeated(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    async with (
        relay(etcd_server.endpoint) as cutting,
        Etcd([cutting.endpoint, etcd_server.endpoint]) as client,
    ):
        cutting.cut_after = 1
        with pytest.raises(Unavailable):
            await client.put("/a", b"1")
    kv = await etcd.get("/a")
    assert kv is not None
    assert kv.version == 1


async def test_a_lost_answer_to_a_read_is_asked_for_again(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    await etcd.put("/a", b"1")
    async with relay(etcd_server.endpoint) as cutting, Etcd([cutting.endpoint]) as client:
        cutting.cut_after = 1
        assert await client.get("/a") is not None


async def test_calls_work_again_after_kill_and_restart(etcd_server: EtcdMember, etcd: Etcd) -> None:
    await etcd.put("/a", b"1")
    etcd_server.restart()
    assert await etcd.get("/a") is not None


async def test_an_http_server_that_is_no_etcd_is_named_as_such(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Etcd([f"http://127.0.0.1:{port}"]) as client:
        with pytest.raises(EtcdError, match="no etcd of version"):
            await client.get("/a")


@pytest.fixture
async def small_etcd(tmp_path: Path) -> AsyncIterator[EtcdMember]:
    """A server whose database may have 1 MiB."""
    member = EtcdMember(tmp_path, flags=[f"--quota-backend-bytes={1 << 20}"])
    member.start()
    yield member
    member.close()


async def test_a_full_store_refuses_writes_and_answers_reads(small_etcd: EtcdMember) -> None:
    async with Etcd([small_etcd.endpoint]) as client:

        async def full() -> bool:
            try:
                await client.put("/big", bytes(500_000))
            except NoSpace:
                return True
            return False

        await eventually(full)
        assert await client.get("/big") is not None

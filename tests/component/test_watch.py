"""Watches against a real server that is stopped, killed, frozen, wiped and cut off."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from deis_node.cluster.etcd import (
    DELETE,
    PUT,
    Compacted,
    Etcd,
    EtcdError,
    Event,
    Put,
    RevisionWentBack,
    Unavailable,
)
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.ports import free_port
from tests.fixtures.proxy import relay
from tests.fixtures.waiting import eventually

Batches = AsyncGenerator[tuple[Event, ...], None]


async def collect(batches: Batches, count: int, *, within: float = 20) -> list[Event]:
    """The next so many events, the generator closed behind them."""
    events: list[Event] = []
    async with asyncio.timeout(within), aclosing(batches):
        async for batch in batches:
            events += batch
            if len(events) >= count:
                break
    return events


@asynccontextmanager
async def collecting(batches: Batches, count: int) -> AsyncIterator["asyncio.Task[list[Event]]"]:
    """Collect in the background."""
    async with asyncio.TaskGroup() as group:
        yield group.create_task(collect(batches, count))


async def failure_of(batches: Batches, meanwhile: Callable[[], Awaitable[None]]) -> Exception:
    """The error that ends a watch when something happens to the server."""
    async with asyncio.TaskGroup() as group:
        failing = group.create_task(_failed(batches))
        await meanwhile()
    return failing.result()


async def _failed(batches: Batches) -> Exception:
    try:
        await collect(batches, 1)
    except EtcdError as err:
        return err
    raise AssertionError("the watch did not fail")


async def test_changes_arrive_in_order_with_their_kinds(etcd: Etcd) -> None:
    first = await etcd.put("/a/1", b"x")
    await etcd.put("/b", b"not ours")
    await etcd.delete("/a/1")
    events = await collect(etcd.watch("/a/", first), 2)
    assert [(e.kind, e.kv.key, e.kv.value) for e in events] == [
        (PUT, "/a/1", b"x"),
        (DELETE, "/a/1", b""),
    ]


async def test_a_transaction_arrives_as_one_batch(etcd: Etcd) -> None:
    result = await etcd.txn((), [Put(f"/a/{number}", b"") for number in range(50)])
    async with aclosing(etcd.watch("/a/", result.revision)) as batches:
        assert len(await anext(batches)) == 50


async def test_an_expired_lease_is_a_deletion(etcd: Etcd) -> None:
    lease = await etcd.grant(60)
    revision = await etcd.put("/a", b"", lease)
    await etcd.revoke(lease)
    (event,) = await collect(etcd.watch("/a", revision + 1), 1)
    assert event.kind is DELETE


async def test_large_changes_arrive_whole(etcd: Etcd) -> None:
    value = bytes(range(256)) * 4000
    revision = await etcd.put("/a", value)
    (event,) = await collect(etcd.watch("/a", revision), 1)
    assert event.kv.value == value


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_nothing_is_lost_over_a_restart(
    etcd_server: EtcdMember, etcd: Etcd, how: str
) -> None:
    revision = await etcd.revision()
    async with collecting(etcd.watch("/a/", revision + 1), 40) as events:
        for number in range(20):
            await etcd.put(f"/a/{number}", b"")
        await asyncio.to_thread(getattr(etcd_server, how))
        await asyncio.to_thread(etcd_server.start)
        for number in range(20, 40):
            await etcd.put(f"/a/{number}", b"")
    assert [e.kv.key for e in await events] == [f"/a/{number}" for number in range(40)]


async def test_a_cut_in_the_middle_of_a_replay_loses_and_repeats_nothing(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    first = await etcd.revision() + 1
    for _ in range(25):
        await asyncio.gather(*(etcd.put(f"/a/{number}", b"x" * 50) for number in range(100)))
    async with relay(etcd_server.endpoint) as cutting, Etcd([cutting.endpoint]) as client:
        # The server sends a thousand revisions at once; the cut comes after the first of these.
        cutting.cut_after = 300_000
        events = await collect(client.watch("/a/", first), 2500)
        assert cutting.cut_after is None
    assert [e.kv.mod_revision for e in events] == list(range(first, first + 2500))


async def test_a_compacted_revision_is_an_error_of_its_own(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    for _ in range(5):
        revision = await etcd.put("/a", b"")
    etcd_server.compact(revision)
    with pytest.raises(Compacted) as caught:
        await collect(etcd.watch("/a", revision - 3), 1)
    assert caught.value.revision == revision


async def test_a_closed_watch_is_gone_on_the_server(etcd_server: EtcdMember, etcd: Etcd) -> None:
    revision = await etcd.put("/a", b"")
    for _ in range(20):
        await collect(etcd.watch("/a", revision), 1)
    await eventually(lambda: etcd_server.watchers() == 0)


async def test_a_cancelled_watch_is_gone_on_the_server(etcd_server: EtcdMember, etcd: Etcd) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(collect(etcd.watch("/a", 0), 1)) for _ in range(20)]
        await eventually(lambda: etcd_server.watchers() == 20)
        for task in tasks:
            task.cancel()
    await eventually(lambda: etcd_server.watchers() == 0)


async def test_a_hung_server_is_found_by_the_read_limit(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    revision = await etcd.revision()
    async with (
        Etcd([etcd_server.endpoint], timeout=0.3, read_limit=0.3) as client,
        collecting(client.watch("/a", revision + 1), 1) as events,
    ):
        await eventually(lambda: etcd_server.watchers() == 1)
        etcd_server.pause()
        await asyncio.sleep(1.5)  # longer than the read limit and the deadline together
        etcd_server.resume()
        await etcd.put("/a", b"")
    assert len(await events) == 1


async def test_a_watch_moves_on_from_a_hung_member(etcd_server: EtcdMember, etcd: Etcd) -> None:
    revision = await etcd.revision()
    async with (
        relay(etcd_server.endpoint) as hung,
        Etcd([hung.endpoint, etcd_server.endpoint], timeout=0.3, read_limit=0.3) as client,
        collecting(client.watch("/a", revision + 1), 1) as events,
    ):
        await eventually(lambda: etcd_server.watchers() == 1)
        hung.freeze()
        await etcd.put("/a", b"")
        assert len(await asyncio.wait_for(events, 5)) == 1


async def test_a_watch_moves_with_the_calls_when_a_member_vanishes_without_a_word(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    revision = await etcd.revision()
    async with (
        relay(etcd_server.endpoint) as hung,
        Etcd([hung.endpoint, etcd_server.endpoint], timeout=0.5, read_limit=60) as client,
        collecting(client.watch("/a", revision + 1), 1) as events,
    ):
        await eventually(lambda: etcd_server.watchers() == 1)
        hung.freeze()
        await client.get("/b")
        await etcd.put("/a", b"")
        assert len(await asyncio.wait_for(events, 5)) == 1


async def test_silence_is_no_interruption(etcd_server: EtcdMember, etcd: Etcd) -> None:
    revision = await etcd.revision()
    async with (
        relay(etcd_server.endpoint) as counted,
        Etcd([counted.endpoint], read_limit=0.1) as client,
        collecting(client.watch("/a", revision + 1, resume=False), 1) as events,
    ):
        await eventually(lambda: counted.count("POST /v3/watch") >= 5)
        await etcd.put("/a", b"")
    assert len(await events) == 1


async def test_a_server_that_tells_its_progress_is_asked_once(tmp_path: Path) -> None:
    telling = EtcdMember(tmp_path, flags=["--experimental-watch-progress-notify-interval=100ms"])
    telling.start()
    try:
        async with (
            relay(telling.endpoint) as counted,
            Etcd([counted.endpoint], read_limit=1.0) as client,
            collecting(client.watch("/a", 1, resume=False), 1) as events,
        ):
            await asyncio.sleep(3.0)
            assert counted.count("POST /v3/watch") == 1
            await client.put("/a", b"")
        assert len(await events) == 1
    finally:
        telling.close()


async def test_without_resuming_a_lost_connection_is_told(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    async with relay(etcd_server.endpoint) as cutting, Etcd([cutting.endpoint]) as client:

        async def cut() -> None:
            await eventually(lambda: etcd_server.watchers() == 1)
            cutting.cut()

        revision = await etcd.revision()
        error = await failure_of(client.watch("/a", revision + 1, resume=False), cut)
    assert isinstance(error, Unavailable)


async def test_a_wiped_store_went_back(etcd_server: EtcdMember, etcd: Etcd) -> None:
    for _ in range(50):
        revision = await etcd.put("/a", b"")

    async def wipe() -> None:
        await eventually(lambda: etcd_server.watchers() == 1)
        await asyncio.to_thread(etcd_server.wipe)

    error = await failure_of(etcd.watch("/a", revision + 1), wipe)
    assert isinstance(error, RevisionWentBack)


async def test_a_watch_ahead_of_the_store_went_back(etcd: Etcd) -> None:
    revision = await etcd.revision()
    with pytest.raises(RevisionWentBack):
        await collect(etcd.watch("/a", revision + 1000), 1)


@pytest.fixture
async def three_members(tmp_path: Path) -> AsyncIterator[list[EtcdMember]]:
    """A cluster of three."""
    members = [EtcdMember(tmp_path, name=f"m{number}") for number in range(3)]
    for member in members:
        member.cluster = ",".join(f"{m.name}={m.peer}" for m in members)
        member.launch()
    for member in members:
        member.wait_healthy()
    yield members
    for member in members:
        member.close()


async def test_a_member_without_a_leader_ends_its_watches(
    three_members: list[EtcdMember],
) -> None:
    alone, *others = three_members

    async def isolate() -> None:
        await eventually(lambda: alone.watchers() == 1)
        for other in others:
            other.pause()

    async with Etcd([alone.endpoint], timeout=0.5) as client:
        error = await failure_of(client.watch("/a", 1, resume=False), isolate)
    assert isinstance(error, Unavailable)


async def test_watch_and_writes_survive_the_loss_of_a_member(
    three_members: list[EtcdMember],
) -> None:
    endpoints = [member.endpoint for member in three_members]
    async with Etcd(endpoints, timeout=1.0, read_limit=2.0) as client:
        first = await client.put("/a", b"0")

        async def written() -> bool:
            try:
                await client.put("/a", b"1")
            except Unavailable:
                return False
            return True

        async with collecting(client.watch("/a", first), 2) as events:
            three_members[0].kill()
            await eventually(written)
    assert [event.kv.value for event in await events][:2] == [b"0", b"1"]


async def test_a_dead_first_endpoint_is_passed_over(etcd_server: EtcdMember, etcd: Etcd) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    revision = await etcd.put("/a", b"")
    async with Etcd([dead, etcd_server.endpoint]) as client:
        assert len(await collect(client.watch("/a", revision), 1)) == 1

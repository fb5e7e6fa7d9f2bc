"""The watched prefix against a real server that is stopped, killed, frozen and wiped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from deis_node.cluster.etcd import DeletePrefix, Etcd, KeyValue, Put
from deis_node.cluster.prefix import WatchedPrefix
from deis_node.cluster.records import Address
from deis_node.runtime.tasks import Tasks
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.proxy import relay
from tests.fixtures.waiting import eventually


@asynccontextmanager
async def cached(etcd: Etcd, prefix: str = "/a/", **options: Any) -> AsyncIterator[WatchedPrefix]:
    """A cache that is kept fresh."""
    cache = WatchedPrefix(etcd, prefix, name="test", **options)
    async with Tasks() as tasks:
        tasks.start("cache", cache.run())
        async with asyncio.timeout(20):
            await cache.ready()
        yield cache


def values(cache: WatchedPrefix) -> dict[str, bytes]:
    return {key: kv.value for key, kv in cache.items.items()}


async def shows(cache: WatchedPrefix, wanted: dict[str, bytes]) -> None:
    await eventually(lambda: values(cache) == wanted, within=15)


async def test_it_shows_what_is_there_and_follows(etcd: Etcd) -> None:
    await etcd.put("/a/1", b"1")
    async with cached(etcd) as cache:
        assert values(cache) == {"/a/1": b"1"}
        await etcd.put("/a/2", b"2")
        await etcd.delete("/a/1")
        await shows(cache, {"/a/2": b"2"})


async def test_an_empty_prefix_is_ready_and_available(etcd: Etcd) -> None:
    async with cached(etcd) as cache:
        assert (dict(cache.items), cache.available, cache.loaded) == ({}, True, True)
        assert cache.revision == await etcd.revision()


async def test_a_snapshot_never_changes(etcd: Etcd) -> None:
    await etcd.put("/a/1", b"1")
    async with cached(etcd) as cache:
        before = cache.items
        await etcd.put("/a/2", b"2")
        await eventually(lambda: cache.items is not before)
        assert list(before) == ["/a/1"]


async def test_a_key_that_came_and_went_unseen_leaves_a_trace(etcd: Etcd) -> None:
    async with cached(etcd, audit=1.0) as cache:
        before, breaks = cache.items, cache.breaks
        await etcd.put("/a/1", b"1")
        await shows(cache, {"/a/1": b"1"})
        assert cache.breaks == breaks
        await etcd.delete("/a/1")
        await shows(cache, dict(before))
        assert list(cache.deletions) == ["/a/1"]
        await eventually(lambda: cache.breaks > breaks)  # It was read anew.
        assert cache.deletions == {}


async def test_every_subscriber_is_told_of_a_change(etcd: Etcd) -> None:
    async with cached(etcd) as cache:
        signals = [cache.subscribe(), cache.subscribe()]
        for signal in signals:
            signal.clear()
        await etcd.put("/a/1", b"1")
        async with asyncio.timeout(5):
            await asyncio.gather(*(signal.wait() for signal in signals))


async def test_a_new_subscriber_looks_at_once(etcd: Etcd) -> None:
    async with cached(etcd) as cache:
        assert cache.subscribe().is_set()


async def test_a_transaction_is_seen_whole(etcd: Etcd) -> None:
    async with cached(etcd) as cache:
        signal = cache.subscribe()
        signal.clear()
        await etcd.txn((), [Put(f"/a/{number}", b"") for number in range(50)])
        await signal.wait()
        assert len(cache.items) == 50


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_it_survives_a_restart(etcd_server: EtcdMember, etcd: Etcd, how: str) -> None:
    await etcd.put("/a/1", b"1")
    async with cached(etcd) as cache:
        await asyncio.to_thread(getattr(etcd_server, how))
        await asyncio.to_thread(etcd_server.start)
        await etcd.put("/a/2", b"2")
        await shows(cache, {"/a/1": b"1", "/a/2": b"2"})


async def test_while_etcd_is_away_it_keeps_what_it_has_and_says_so(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    await etcd.put("/a/1", b"1")
    async with cached(etcd, patience=0.3) as cache:
        signal = cache.subscribe()
        signal.clear()
        etcd_server.kill()
        try:
            async with asyncio.timeout(10):
                await signal.wait()
            assert (cache.available, values(cache)) == (False, {"/a/1": b"1"})
        finally:
            await asyncio.to_thread(etcd_server.start)
        await eventually(lambda: cache.available)


async def test_a_short_interruption_is_not_told(etcd_server: EtcdMember, etcd: Etcd) -> None:
    async with (
        relay(etcd_server.endpoint) as cutting,
        Etcd([cutting.endpoint]) as client,
        cached(client) as cache,
    ):
        signal = cache.subscribe()
        signal.clear()
        lists = cutting.count("POST /v3/kv/range")
        cutting.cut()
        await eventually(lambda: cutting.count("POST /v3/kv/range") > lists)
        await eventually(lambda: etcd_server.watchers() == 1)
        assert not signal.is_set()


async def test_it_survives_compaction_while_cut_off(etcd_server: EtcdMember, etcd: Etcd) -> None:
    await etcd.put("/a/1", b"1")
    async with (
        relay(etcd_server.endpoint) as cutting,
        Etcd([cutting.endpoint]) as client,
        cached(client) as cache,
    ):
        await cutting.refuse()
        await etcd.delete("/a/1")
        for _ in range(10):
            revision = await etcd.put("/a/2", b"2")
        etcd_server.compact(revision)
        await cutting.listen()
        await shows(cache, {"/a/2": b"2"})


async def test_compaction_behind_a_silent_watch_is_survived(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    async with Etcd([etcd_server.endpoint], read_limit=0.2) as client, cached(client) as cache:
        for _ in range(10):
            revision = await etcd.put("/other", b"")
        etcd_server.compact(revision)
        await eventually(lambda: cache.revision >= revision)
        await etcd.put("/a/1", b"1")
        await shows(cache, {"/a/1": b"1"})


async def test_a_wiped_store_is_shown_as_it_is(etcd_server: EtcdMember, etcd: Etcd) -> None:
    for number in range(50):
        await etcd.put(f"/a/{number}", b"1")
    async with cached(etcd) as cache:
        await asyncio.to_thread(etcd_server.wipe)
        await shows(cache, {})
        await etcd.put("/a/new", b"2")
        await shows(cache, {"/a/new": b"2"})
        assert cache.revision < 50


async def test_a_wiped_store_that_was_filled_again_is_shown_as_it_is(
    etcd_server: EtcdMember, etcd: Etcd
) -> None:
    await etcd.put("/a/old", b"1")
    async with (
        relay(etcd_server.endpoint) as cutting,
        Etcd([cutting.endpoint]) as client,
        cached(client) as cache,
    ):
        await cutting.refuse()
        await asyncio.to_thread(etcd_server.wipe)
        while await etcd.revision() < cache.revision + 10:
            await etcd.put("/a/new", b"2")
        await cutting.listen()
        await shows(cache, {"/a/new": b"2"})


async def test_a_hung_server_is_noticed_and_waited_for(etcd_server: EtcdMember, etcd: Etcd) -> None:
    async with (
        Etcd([etcd_server.endpoint], timeout=0.2, read_limit=0.2) as client,
        cached(client, patience=0.3) as cache,
    ):
        etcd_server.pause()
        try:
            await eventually(lambda: not cache.available)
        finally:
            etcd_server.resume()
        await eventually(lambda: cache.available)
        await etcd.put("/a/1", b"1")
        await shows(cache, {"/a/1": b"1"})


async def test_a_silent_prefix_is_not_listed_again(etcd_server: EtcdMember, etcd: Etcd) -> None:
    async with (
        relay(etcd_server.endpoint) as counted,
        Etcd([counted.endpoint], read_limit=0.1) as client,
        cached(client) as cache,
    ):
        await eventually(lambda: counted.count("POST /v3/watch") >= 5)
        assert counted.count("POST /v3/kv/range") == 1
        assert cache.available


async def test_an_idle_cache_writes_nothing(etcd: Etcd) -> None:
    async with cached(etcd, audit=0.1):
        before = await etcd.revision()
        await asyncio.sleep(0.5)  # time for several audits
        assert await etcd.revision() == before


async def test_the_audit_finds_and_repairs_what_the_watch_lost(etcd: Etcd) -> None:
    await etcd.put("/a/1", b"1")
    with capture_logs() as logs:
        async with cached(etcd, audit=0.3) as cache:
            cache.discard(cache.revision + 1, "/a/1")
            assert values(cache) == {}
            await etcd.put("/other", b"")
            await shows(cache, {"/a/1": b"1"})
    assert "watch lost events" in [entry["event"] for entry in logs]


async def test_an_own_write_is_there_at_once(etcd: Etcd) -> None:
    async with cached(etcd) as cache:
        await etcd.put("/a/1", b"1")
        kv = await etcd.get("/a/1")
        assert kv is not None
        cache.apply(kv)
        assert values(cache) == {"/a/1": b"1"}


async def test_an_own_write_does_not_hide_later_changes(etcd: Etcd) -> None:
    async with cached(etcd) as cache:
        await etcd.put("/a/1", b"1")
        kv = await etcd.get("/a/1")
        assert kv is not None
        await etcd.put("/a/1", b"2")
        await shows(cache, {"/a/1": b"2"})
        cache.apply(kv)
        assert values(cache) == {"/a/1": b"2"}


async def test_an_own_write_is_not_lost_for_what_is_not_known_of_it(etcd: Etcd) -> None:
    await etcd.put("/a/1", b"1")
    with capture_logs() as logs:
        async with cached(etcd, audit=0.3) as cache:
            known = cache.items["/a/1"]
            # Whoever has written it does not know how often that was done before.
            own = replace(known, value=b"2", mod_revision=cache.revision + 1, version=1)
            cache.apply(own)
            await etcd.put("/a/1", b"2")
            other = await etcd.put("/other", b"")
            await eventually(lambda: cache.revision >= other)
            assert values(cache) == {"/a/1": b"2"}
    assert "watch lost events" not in [entry["event"] for entry in logs]


async def test_an_own_write_of_a_key_deleted_since_does_not_bring_it_back(etcd: Etcd) -> None:
    async with cached(etcd) as cache:
        await etcd.put("/a/1", b"1")
        kv = await etcd.get("/a/1")
        assert kv is not None
        await etcd.delete("/a/1")
        await eventually(lambda: cache.revision > kv.mod_revision)
        cache.apply(kv)
        assert values(cache) == {}


async def test_an_own_deletion_is_gone_at_once(etcd: Etcd) -> None:
    await etcd.put("/a/1", b"1")
    async with cached(etcd) as cache:
        cache.discard(await etcd.delete("/a/1"), "/a/1")
        assert values(cache) == {}


async def test_an_own_deletion_is_not_undone_by_older_news(etcd: Etcd) -> None:
    async with cached(etcd) as cache:
        await etcd.put("/a/1", b"1")
        cache.discard(await etcd.delete("/a/1"), "/a/1")
        seen = []
        signal = cache.subscribe()
        while cache.revision < await etcd.revision():
            await asyncio.sleep(0)
            if signal.is_set():
                signal.clear()
                seen.append(values(cache))
        assert all(not shown for shown in seen)


async def test_an_unreadable_record_is_dropped_alone_and_logged_once(etcd: Etcd) -> None:
    await etcd.put("/a/1", Address("1.2.3.4:5").to_bytes())
    await etcd.put("/a/2", b"rubbish")
    async with cached(etcd) as cache:
        with capture_logs() as logs:
            assert cache.records(Address) == {"/a/1": Address("1.2.3.4:5")}
            assert cache.records(Address) == {"/a/1": Address("1.2.3.4:5")}
    assert [entry["key"] for entry in logs] == ["/a/2"]


async def test_a_record_is_parsed_once_while_it_does_not_change(etcd: Etcd) -> None:
    await etcd.put("/a/1", Address("1.2.3.4:5").to_bytes())
    async with cached(etcd) as cache:
        first = cache.records(Address)["/a/1"]
        await etcd.put("/a/2", Address("6.7.8.9:0").to_bytes())
        await eventually(lambda: len(cache.items) == 2)
        assert cache.records(Address)["/a/1"] is first
        cache.apply(replace(cache.items["/a/1"], mod_revision=1 << 40, value=b"{}"))
        assert list(cache.records(Address)) == ["/a/2"]


async def test_a_full_read_parses_nothing_again(etcd: Etcd) -> None:
    await etcd.put("/a/1", b"rubbish")
    async with cached(etcd, audit=0.1) as cache:
        cache.records(Address)
        kv, before = cache.items["/a/1"], cache.revision
        await etcd.put("/other", b"")
        await eventually(lambda: cache.revision > before)
        assert cache.items["/a/1"] is kv


async def test_a_thousand_keys_vanish_in_one_step(etcd: Etcd) -> None:
    for start in range(0, 1000, 100):
        await etcd.txn((), [Put(f"/a/{start + number}", b"") for number in range(100)])
    async with cached(etcd) as cache:
        assert len(cache.items) == 1000
        await etcd.txn((), [DeletePrefix("/a/")])
        await shows(cache, {})


async def test_an_own_deletion_is_not_undone_by_an_absence_that_was_read_before(etcd: Etcd) -> None:
    cache = WatchedPrefix(etcd, "/a/", name="a")
    cache.discard(30, "/a/1")
    cache.discard(10, "/a/1")
    cache.apply(KeyValue("/a/1", b"1", 20, 20, 1, 0))
    assert values(cache) == {}

"""What a router acknowledges, and when: the record in etcd that the leader waits for."""

import asyncio

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from tests.fixtures.invariants_read import table_of
from tests.fixtures.router import App, RouterBench
from tests.fixtures.waiting import eventually


async def revision(etcd: Etcd) -> int:
    return await etcd.revision()


async def test_an_acknowledged_switch_is_served(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    for release in range(2, 12):
        server = other if release % 2 == 0 else hello
        await router.serve("hello", server, release=release)
        for _ in range(4):
            assert (await router.get("hello.localhost")).app == server.name


async def test_endpoints_without_a_release_in_the_route_get_nothing(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    await router.publish("hello", 2, other.address)
    assert {(await router.get("hello.localhost")).app for _ in range(20)} == {"one"}


async def test_a_request_in_flight_holds_its_address_in_draining(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    hello.open.clear()
    slow = asyncio.ensure_future(router.get("hello.localhost"))  # noqa: TID251 - a client
    await eventually(lambda: hello.requests == 1)
    await router.publish("hello", 2, other.address)
    await router.acknowledged(await router.route("hello", 2))
    record = await router.acknowledged(await router.route("hello", 2, 1))
    assert record.draining == (hello.address,)
    hello.open.set()
    assert (await slow).app == "one"
    await eventually(lambda: _drained(router))


async def test_a_body_that_comes_late_does_not_reach_a_withdrawn_copy(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: hello.x\r\nContent-Length: 2\r\n\r\na")
    await writer.drain()
    await router.serve("hello", other, release=2)
    record = await router.acknowledged(await router.route("hello", 2, 1))
    assert record.draining == ()
    writer.write(b"b")
    answer = await reader.readuntil(b"ab")
    assert b"\r\n\r\ntwo\n" in answer
    writer.close()


async def test_workers_of_the_configuration_before_count_their_requests(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    hello.open.clear()
    slow = asyncio.ensure_future(router.get("hello.localhost"))  # noqa: TID251 - a client
    await eventually(lambda: hello.requests == 1)
    before = set(router.workers())
    await router.etcd.put(keys.setting("router", "bodySize"), b"3m")
    await eventually(lambda: bool(router.workers()) and not before & set(router.workers()))
    await router.publish("hello", 2, other.address)
    record = await router.acknowledged(await router.route("hello", 2, 1))
    assert record.draining == (hello.address,)
    hello.open.set()
    assert (await slow).app == "one"
    await eventually(lambda: _drained(router))


async def test_workers_of_a_dead_master_hold_what_was_withdrawn(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    hello.open.clear()
    slow = asyncio.ensure_future(router.get("hello.localhost"))  # noqa: TID251 - a client
    await eventually(lambda: hello.requests == 1)
    router.kill(router.master())
    await router.publish("hello", 2, other.address)
    record = await router.acknowledged(await router.route("hello", 2, 1))
    assert record.draining == (hello.address,)
    hello.open.set()
    assert (await slow).app == "one"
    await eventually(lambda: _drained(router))


async def test_draining_is_known_to_the_next_agent(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    hello.open.clear()
    slow = asyncio.ensure_future(router.get("hello.localhost"))  # noqa: TID251 - a client
    await eventually(lambda: hello.requests == 1)
    await router.end()
    await router.publish("hello", 2, other.address)
    barrier = await router.route("hello", 2, 1)
    router.start()
    assert (await router.acknowledged(barrier)).draining == (hello.address,)
    hello.open.set()
    assert (await slow).status == 200


async def test_nginx_tells_the_table_that_it_holds(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    await router.publish("hello", 2, other.address)
    await router.serve("other", other)
    table = await asyncio.to_thread(table_of, router.folder)
    assert table == {"hello": {hello.address}, "other": {other.address}}


async def test_an_idle_router_writes_nothing(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await eventually(lambda: _drained(router))
    before = await revision(router.etcd)
    for _ in range(20):
        await router.get("hello.localhost")
    await asyncio.sleep(2.5)
    assert await revision(router.etcd) == before


async def test_the_record_is_written_again_under_another_lease(router: RouterBench) -> None:
    lease, router.lease = router.lease, await router.etcd.grant(600)
    await router.etcd.revoke(lease)

    async def written() -> bool:
        kv = await router.etcd.get(keys.router(router.host))
        return kv is not None and kv.lease == router.lease

    await eventually(written)


async def test_a_destroyed_app_is_gone(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello, domains=("www.example.com",))
    await router.etcd.delete(keys.route("hello"))
    await router.reports("www.example.com", 404)
    assert (await router.get("hello.localhost")).status == 404


async def test_a_host_that_is_gone_is_the_last_resort(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.put_host("h2", "127.0.0.1")
    await router.publish("hello", 1, hello.address)
    await router.publish("hello", 2, other.address, host="h2")
    await router.serve("other", other, release=3)
    await router.etcd.delete(keys.host("h2"))
    await router.acknowledged(await router.route("hello", 2))
    assert (await router.get("hello.localhost")).app == "two"
    await router.publish("hello", 2, other.address, hello.address)
    await router.withdraw("hello", 2, 1)
    await router.answers("hello.localhost", "one")


async def test_an_address_of_no_host_is_not_used(router: RouterBench, hello: App) -> None:
    await router.publish("hello", 1, "169.254.169.254:80", hello.address)
    record = await router.acknowledged(await router.route("hello", 1))
    assert "169.254.169.254" in record.errors["hello"]
    assert {(await router.get("hello.localhost")).app for _ in range(10)} == {"one"}


async def _drained(router: RouterBench) -> bool:
    record = await router.record()
    return record is not None and not record.draining

"""nginx, the agent and etcd killed: requests are answered, nothing is taken back."""

import asyncio
import time
from collections import Counter
from pathlib import Path

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.router.processes import find
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.router import App, RouterBench
from tests.fixtures.waiting import eventually

LIMIT = 2.0


async def answered_after(router: RouterBench, host: str) -> float:
    """Seconds until a new request is answered by the app."""
    started = time.monotonic()
    await eventually(lambda: _works(router, host), within=10 * LIMIT)
    return time.monotonic() - started


async def empty(router: RouterBench, etcd_server: EtcdMember) -> None:
    etcd_server.wipe()
    # A read may be repeated: it finds the connections that are gone.
    await router.etcd.revision()


async def _works(router: RouterBench, host: str) -> bool:
    return (await router.get(host)).status == 200


async def test_another_master_takes_over(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    master, workers = router.master(), router.workers()
    router.kill(master)
    assert await answered_after(router, "hello.localhost") < LIMIT
    await eventually(lambda: not any(find(pid, router.folder) for pid in workers))
    assert router.master() != master
    assert await _works(router, "hello.localhost")


async def test_no_request_fails_while_another_master_takes_over(
    router: RouterBench, hello: App
) -> None:
    await router.serve("hello", hello)
    await router.get("hello.localhost")
    seen: Counter[int] = Counter()
    before = {process.pid for process in router.processes()}
    router.kill(router.master())
    still = 50
    async with asyncio.timeout(10 * LIMIT):
        while still:
            seen[(await router.get("hello.localhost", verb="POST")).status] += 1
            now = {process.pid for process in router.processes()}
            # As many more when the old workers are gone and there are others.
            still -= bool(now) and not now & before
    assert set(seen) == {200}


async def test_changes_go_on_with_the_new_master(
    router: RouterBench, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    before = await router.record()
    assert before is not None
    router.kill(router.master())
    # What changes before another one is there is served by the workers that are left.
    await router.serve("hello", other, release=2)

    async def another() -> bool:
        record = await router.record()
        return record is not None and record.incarnation != before.incarnation

    await eventually(another, within=10 * LIMIT)
    for _ in range(20):
        assert (await router.get("hello.localhost")).app == "two"
    await router.serve("hello", hello, release=3)
    for _ in range(20):
        assert (await router.get("hello.localhost")).app == "one"


async def test_a_killed_worker_is_replaced(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    hello.open.clear()
    lost = asyncio.ensure_future(router.get("hello.localhost"))  # noqa: TID251 - a client
    await eventually(lambda: hello.requests == 1)
    router.kill(*router.workers())
    assert (await lost).status == 0
    hello.open.set()
    assert await answered_after(router, "hello.localhost") < LIMIT
    record = await router.acknowledged(await router.route("hello", 2))
    assert record.draining == ()


async def test_all_of_nginx_killed_starts_anew(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    router.kill(*(process.pid for process in router.processes()))
    assert await answered_after(router, "hello.localhost") < LIMIT


async def test_a_lost_pid_file_starts_no_second_master(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    master = router.master()
    await router.end()
    (router.folder / "nginx.pid").unlink()
    router.start()
    await router.serve("hello", hello, release=2)
    assert [p.pid for p in router.processes() if p.is_master] == [master]


async def test_an_agent_s_restart_touches_nothing(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    before = {process.pid for process in router.processes()}
    record = await router.record()
    await router.end()
    assert await _works(router, "hello.localhost")
    router.start()
    await router.serve("other", hello)
    assert {process.pid for process in router.processes()} == before
    assert record is not None
    assert (await router.acknowledged(0)).incarnation == record.incarnation


async def test_a_master_that_died_unseen_is_replaced(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await router.end()
    router.kill(router.master())
    assert await _works(router, "hello.localhost")
    router.start()
    await eventually(lambda: any(p.is_master for p in router.processes()))
    assert await answered_after(router, "hello.localhost") < LIMIT


async def test_a_folder_far_down_is_as_good(etcd: Etcd, tmp_path: Path, hello: App) -> None:
    async with RouterBench(etcd, tmp_path / ("d" * 70) / ("e" * 70)) as router:
        router.start()
        await router.serve("hello", hello)
        assert (await router.get("hello.localhost", verb="POST", body=b"x" * 100_000)).app == "one"


async def test_without_etcd_the_table_comes_from_disk(
    router: RouterBench, etcd_server: EtcdMember, hello: App
) -> None:
    await router.serve("hello", hello, domains=("www.example.com",))
    await router.end()
    etcd_server.kill()
    try:
        router.kill(*(process.pid for process in router.processes()))
        router.start()
        assert await answered_after(router, "www.example.com") < LIMIT
        router.kill(*(process.pid for process in router.processes()))
        assert await answered_after(router, "hello.localhost") < LIMIT
    finally:
        etcd_server.start()
    assert (router.folder.parent / "routes.jsonl").stat().st_mode & 0o777 == 0o600


async def test_a_start_without_anything_answers_503_and_touches_no_table(
    router: RouterBench, etcd_server: EtcdMember
) -> None:
    await router.end()
    etcd_server.kill()
    try:
        (router.folder.parent / "routes.jsonl").unlink()
        router.kill(*(process.pid for process in router.processes()))
        router.start()
        await router.reports("hello.localhost", 503)
    finally:
        etcd_server.start()
    await router.reports("hello.localhost", 404)


async def test_requests_wait_for_the_first_table(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await router.end()
    router.kill(*(process.pid for process in router.processes()))
    router.start()
    await eventually(lambda: bool(router.workers()))
    answers = await asyncio.gather(*(router.get("hello.localhost") for _ in range(20)))
    assert {answer.status for answer in answers} <= {0, 200}


async def test_an_emptied_store_takes_nothing_back(
    router: RouterBench, etcd_server: EtcdMember, hello: App, other: App
) -> None:
    await router.serve("hello", hello)
    await empty(router, etcd_server)
    await asyncio.sleep(1)
    assert await _works(router, "hello.localhost")
    router.lease = await router.etcd.grant(600)
    await router.route("hello", 1)
    await router.put_incarnation("i2", "i1")
    await router.acknowledged(1)
    assert await _works(router, "hello.localhost")
    await router.put_host("h1", "127.0.0.1")
    await router.serve("hello", other, release=2)
    assert (await router.get("hello.localhost")).app == "two"


async def test_another_platform_s_store_is_not_followed(
    router: RouterBench, etcd_server: EtcdMember, hello: App
) -> None:
    await router.serve("hello", hello)
    await empty(router, etcd_server)
    await router.put_incarnation("x1")
    await router.etcd.put(keys.route("else"), b'{"app": "else", "releases": {"1": 1}}')
    await asyncio.sleep(1)
    assert await _works(router, "hello.localhost")
    assert (await router.get("else.localhost")).status == 404

"""Platform settings of the router: taken over while it serves, or refused as a whole."""

import asyncio
import gzip
from collections.abc import Mapping

import pytest

from deis_node.cluster import keys
from deis_node.router import keeper
from tests.fixtures.ports import free_port
from tests.fixtures.router import App, RouterBench
from tests.fixtures.waiting import eventually


async def put(router: RouterBench, name: str, text: str) -> None:
    await router.etcd.put(keys.setting("router", name), text.encode())


async def switch(router: RouterBench, name: str, text: str) -> None:
    """Change a setting, and wait until no worker serves the one before."""
    before = set(router.workers())
    await put(router, name, text)
    await eventually(lambda: bool(router.workers()) and not before & set(router.workers()))


async def errors(router: RouterBench) -> Mapping[str, str]:
    record = await router.record()
    return record.errors if record else {}


async def size_status(router: RouterBench, size: int) -> int:
    return (await router.get("hello.localhost", verb="POST", body=b"x" * size)).status


async def complains(router: RouterBench, word: str, of: str = "router") -> None:
    async def said() -> bool:
        return word in (await errors(router)).get(of, "")

    await eventually(said)


async def is_content(router: RouterBench) -> None:
    """It says so a moment after it serves: first nginx, then the record."""

    async def said() -> bool:
        return "router" not in await errors(router)

    await eventually(said)


async def test_a_setting_is_taken_over_without_losing_a_request(
    router: RouterBench, hello: App
) -> None:
    await router.serve("hello", hello)
    master, workers = router.master(), set(router.workers())
    await put(router, "bodySize", "3k")
    seen = set()
    while workers & set(router.workers()):
        seen.add((await router.get("hello.localhost", verb="POST", body=b"x" * 2000)).status)
    assert seen == {200}
    assert router.master() == master
    assert await size_status(router, 4000) == 413


async def test_a_wrong_setting_leaves_the_last_good_ones(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await switch(router, "bodySize", "3k")
    assert await size_status(router, 4000) == 413
    before = (router.folder / "nginx.conf").read_text()
    await put(router, "bodySize", "1m; } server { listen 9999; }")
    await complains(router, "bodySize")
    assert (router.folder / "nginx.conf").read_text() == before
    await router.etcd.delete(keys.setting("router", "bodySize"))

    async def larger() -> bool:
        return await size_status(router, 4000) == 200

    await eventually(larger)
    await is_content(router)


async def test_what_nginx_itself_refuses_leaves_the_last_good_file(
    router: RouterBench, hello: App
) -> None:
    await router.serve("hello", hello)
    before = (router.folder / "nginx.conf").read_text()
    await put(router, "bodySize", "999999999999g")
    await complains(router, "client_max_body_size")
    assert (router.folder / "nginx.conf").read_text() == before
    await router.serve("hello", hello, release=2)
    assert (await router.get("hello.localhost")).status == 200


async def test_what_nginx_does_not_confirm_in_time_is_tried_again(
    router: RouterBench, hello: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await router.serve("hello", hello)
    with monkeypatch.context() as slow:
        slow.setattr(keeper, "_CONFIRM_LIMIT", 0.0)
        await put(router, "bodySize", "3k")
        await complains(router, "gave up")

    async def taken_over() -> bool:
        return await size_status(router, 4000) == 413

    await eventually(taken_over)
    await is_content(router)


async def test_the_last_good_settings_outlive_everything(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await switch(router, "bodySize", "3k")
    assert await size_status(router, 4000) == 413
    await put(router, "bodySize", "wrong")
    await complains(router, "bodySize")
    await eventually(lambda: "3k" in (router.folder / "settings.json").read_text())
    await router.end()
    router.kill(*(process.pid for process in router.processes()))
    router.start()

    async def refused() -> bool:
        return await size_status(router, 4000) == 413

    await eventually(refused)


async def test_answers_are_compressed_unless_switched_off(router: RouterBench, hello: App) -> None:
    hello.headers = "Content-Type: text/plain\r\n"
    await router.serve("hello", hello)
    ask = {"Accept-Encoding": "gzip", "X-Long": "x" * 300}
    answer = await router.get("hello.localhost", headers=ask)
    assert gzip.decompress(answer.content).startswith(b"one\n")
    await switch(router, "gzip", "off")
    assert (await router.get("hello.localhost", headers=ask)).app == "one"


async def test_https_is_enforced_where_a_proxy_ends_it(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await switch(router, "hsts/enabled", "true")
    answer = await router.get("hello.localhost", "/a?b=c")
    assert answer.status == 301
    assert answer.headers["location"] == "https://hello.localhost/a?b=c"
    answer = await router.get("hello.localhost", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["strict-transport-security"] == "max-age=10886400"
    assert answer.status == 200


async def test_a_whitelist_can_be_enforced_for_all(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await router.serve("open", hello, whitelist=("127.0.0.1",))
    await put(router, "enforceWhitelist", "true")
    await router.reports("hello.localhost", 403)
    assert (await router.get("deis.localhost")).status == 403
    assert (await router.get("open.localhost")).status == 200
    await put(router, "controller/whitelist", "127.0.0.1:me")
    await router.reports("deis.localhost", 503)


async def test_the_controller_can_have_another_name(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await router.etcd.put(keys.setting("controller", "subdomain"), b"hello")
    await router.reports("hello.localhost", 503)
    assert (await router.get("deis.localhost")).status == 404
    await complains(router, "reserved", of="hello")


async def test_clients_behind_a_trusted_proxy_are_told_to_apps(
    router: RouterBench, hello: App
) -> None:
    await router.serve("hello", hello, whitelist=("1.2.3.4",))
    forwarded = {"X-Forwarded-For": "6.6.6.6, 1.2.3.4"}
    assert (await router.get("hello.localhost", headers=forwarded)).status == 403
    await switch(router, "proxyRealIpCidr", "127.0.0.0/8")
    text = (await router.get("hello.localhost", headers=forwarded)).text
    assert "X-Forwarded-For: 1.2.3.4\r\n" in text


async def test_the_proxy_protocol_is_spoken(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await switch(router, "proxyRealIpCidr", "127.0.0.0/8")
    await switch(router, "proxyProtocol", "true")
    request = b"GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n"
    line = b"PROXY TCP4 9.8.7.6 127.0.0.1 1111 80\r\n"
    assert "X-Forwarded-For: 9.8.7.6\r\n" in (await router.raw(line + request)).text


async def test_large_logs_are_put_aside(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    log = router.folder / "logs" / "access.log"
    with log.open("a") as file:
        file.write("x" * (1 << 20) + "\n")
    await router.end()
    router.start(log_limit_mb=1, log_look=0.05)
    await eventually(log.with_name("access.log.1").exists)

    async def logged() -> bool:
        await router.get("hello.localhost", "/second")
        return "/second" in log.read_text()

    await eventually(logged)


async def test_a_restarted_agent_brings_its_own_settings_in(
    router: RouterBench, hello: App
) -> None:
    await router.serve("hello", hello)
    master, health = router.master(), free_port()
    await router.end()
    router.start(health_listen=(f"127.0.0.1:{health}",))

    async def healthy() -> bool:
        return (await router.get("any", "/health-check", port=health)).status == 200

    await eventually(healthy)
    assert (await router.get("hello.localhost", port=health)).status == 404
    assert (await router.get("hello.localhost")).app == "one"
    assert router.master() == master


async def test_a_taken_port_is_said_and_waited_for(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await router.end()
    await router.kill_all()
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", router.port)
    async with taken:
        router.start()
        await asyncio.sleep(0.5)
        assert not router.workers()
    await eventually(lambda: bool(router.workers()))
    await router.answers("hello.localhost", "one")

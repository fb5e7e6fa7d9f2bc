"""Where requests go, and what apps get of them."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager

import pytest

from deis_node.cluster import keys
from deis_node.cluster.records import Address
from tests.fixtures.ports import free_port
from tests.fixtures.router import App, RouterBench
from tests.fixtures.waiting import eventually


@contextmanager
def silent() -> Iterator[str]:
    """An address that takes no more connections, and refuses none."""
    with socket.socket() as server, ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


async def test_the_first_label_selects_the_app(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    for host in ("hello.localhost", "hello.example.com:8080", "HELLO.Example.com."):
        assert (await router.get(host)).app == "one"


async def test_a_custom_domain_selects_the_app(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello, domains=("www.example.com",))
    assert (await router.get("WWW.example.com")).app == "one"
    assert (await router.get("example.com")).status == 404


async def test_an_unknown_host_gets_nginx_own_page(router: RouterBench) -> None:
    answer = await router.get("nobody.localhost")
    assert answer.status == 404
    assert "404 Not Found" in answer.text


async def test_an_unknown_host_answers_health_checks(router: RouterBench, hello: App) -> None:
    answer = await router.get("10.0.0.1", "/health-check")
    assert (answer.status, answer.text) == (200, "")
    await router.serve("hello", hello)
    assert "GET /health-check" in (await router.get("hello.localhost", "/health-check")).text


async def test_an_app_without_copies_answers_503(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await router.withdraw("hello", 1)
    await router.reports("hello.localhost", 503)


async def test_the_controller_has_its_own_name(router: RouterBench, hello: App) -> None:
    assert (await router.get("deis.localhost")).status == 503
    key = keys.controller_host("c1")
    await router.etcd.put(key, Address(hello.address).to_bytes())
    await router.answers("deis.example.com", "one")
    text = (await router.get("deis.localhost")).text
    assert "X-Forwarded-For: 127.0.0.1\r\n" in text
    assert "X-Forwarded-Proto" not in text


async def test_apps_get_the_contract_s_headers(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    spoofed = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Port": "1", "X-Forwarded-Ssl": "x"}
    text = (await router.get("Hello.localhost:81", "/a%2Fb?c=d", headers=spoofed)).text
    assert text.startswith("one\nGET /a%2Fb?c=d HTTP/1.1\r\nHost: Hello.localhost:81\r\n")
    for line in ("For: 127.0.0.1", "Proto: http", "Port: 80", "Ssl: off"):
        assert f"\r\nX-Forwarded-{line}\r\n" in text
    assert "1.2.3.4" not in text


async def test_a_proxy_before_us_tells_the_scheme(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    text = (await router.get("hello.localhost", headers={"X-Forwarded-Proto": "http, https"})).text
    for line in ("Proto: https", "Port: 443", "Ssl: on"):
        assert f"\r\nX-Forwarded-{line}\r\n" in text


async def test_all_copies_get_their_share(router: RouterBench) -> None:
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(App(f"a{n}")) for n in range(5)]
        await router.serve("hello", *apps)
        counts = Counter([(await router.get("hello.localhost")).app for _ in range(100)])
    assert len(counts) == 5
    assert min(counts.values()) >= 10


async def test_a_refused_connection_goes_to_the_next_copy(router: RouterBench, hello: App) -> None:
    dead = f"127.0.0.1:{free_port()}"
    await router.publish("hello", 1, dead, hello.address, f"127.0.0.1:{free_port()}")
    await router.acknowledged(await router.route("hello", 1))
    for verb in ("GET", "POST", "DELETE", "PATCH") * 5:
        assert (await router.get("hello.localhost", verb=verb)).app == "one"


async def test_a_silent_host_costs_its_time_once(router: RouterBench, hello: App) -> None:
    await router.end()
    router.start(connect_timeout=0.4, worker_processes=1)
    await eventually(lambda: len(router.workers()) == 1)
    with silent() as address:
        await router.publish("hello", 1, address, hello.address)
        await router.acknowledged(await router.route("hello", 1))
        started = time.monotonic()
        for _ in range(20):
            assert (await router.get("hello.localhost", verb="POST")).app == "one"
        assert time.monotonic() - started < 2.0


async def test_a_silent_controller_costs_no_more_than_a_silent_copy(
    router: RouterBench, hello: App
) -> None:
    await router.end()
    router.start(connect_timeout=0.4, worker_processes=1)
    await eventually(lambda: len(router.workers()) == 1)
    await router.etcd.put(keys.controller_host("c2"), Address(hello.address).to_bytes())
    await router.answers("deis.localhost", "one")
    with silent() as address:
        await router.etcd.put(keys.controller_host("c1"), Address(address).to_bytes())
        await router.serve("hello", hello)
        started = time.monotonic()
        for _ in range(20):
            assert (await router.get("deis.localhost", verb="POST")).app == "one"
        # Waited for as long as its own setting says, it would have cost 10 s the first time.
        assert time.monotonic() - started < 8.0


async def test_releases_share_by_weight(router: RouterBench, hello: App, other: App) -> None:
    await router.publish("hello", 1, hello.address)
    await router.publish("hello", 2, other.address)
    await router.acknowledged(await router.route("hello", 1, releases={"1": 80, "2": 20}))
    seen = Counter([(await router.get("hello.localhost")).app for _ in range(300)])
    assert 15 < seen["two"] < 120


async def test_a_status_code_removes_no_copy(router: RouterBench, hello: App, other: App) -> None:
    hello.status = 502
    await router.serve("hello", hello, other)
    seen = Counter([(await router.get("hello.localhost")).status for _ in range(40)])
    assert min(seen[502], seen[200]) >= 10


async def test_a_whitelist_keeps_others_out(router: RouterBench, hello: App) -> None:
    await router.serve("closed", hello, whitelist=("10.0.0.0/8", "2001:db8::/32"))
    await router.serve("open", hello, whitelist=("10.0.0.0/8", "127.0.0.0/30:office"))
    assert (await router.get("closed.localhost")).status == 403
    assert (await router.get("open.localhost")).status == 200


async def test_a_websocket_passes(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    upgrade = (
        b"GET /ws HTTP/1.1\r\nHost: hello.x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    writer.write(upgrade)
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"ping\n")
    assert await reader.readline() == b"one ping\n"
    writer.close()


async def test_nothing_but_websockets_is_upgraded(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    text = (await router.get("hello.x", headers={"Upgrade": "h2c", "Connection": "Upgrade"})).text
    assert "pgrade" not in text


async def test_a_large_body_comes_through(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    body = b"x" * 1_000_000
    answer = await router.get("hello.localhost", verb="POST", body=body)
    assert answer.text.endswith(body.decode())
    assert (await router.get("hello.localhost", verb="POST", body=body * 2)).status in (0, 413)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("a@hello.localhost", 404),
        ("hello.localhost@b", 200),
        ("hello", 404),
        (".hello.localhost", 404),
        ("hello..localhost", 400),
        ("xn--hllo-bpa.localhost", 404),
        ("hello\x01.localhost", 400),
        ("%68ello.localhost", 404),
        ("hello.localhost:99999", 200),
        ("[::1]:80", 404),
        ("_hello.localhost", 404),
        ("*.localhost", 404),
        ("'\"`$(x)`;|&{{x}}.localhost", 404),
        ("x" * 5000 + ".localhost", 404),
    ],
)
async def test_odd_hosts_find_nothing_odd(
    router: RouterBench, hello: App, host: str, status: int
) -> None:
    await router.serve("hello", hello)
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert (await router.raw(request.encode())).status == status


@pytest.mark.parametrize(
    ("request_bytes", "status", "text"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400, ""),
        (b"GET / HTTP/1.0\r\n\r\n", 404, ""),
        (b"GET / HTTP/1.1\r\nHost: hello.x\r\nHost: b.x\r\n\r\n", 400, ""),
        (b"GET http://hello.x/abs HTTP/1.1\r\nHost: b.x\r\n\r\n", 200, "Host: hello.x\r\n"),
        (
            b"POST / HTTP/1.1\r\nHost: hello.x\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "",
        ),
        (b"GET / HTTP/1.1\r\nHost: \xff\xfe.x\r\n\r\n", 404, ""),
        (b"GET / HTTP/1.1\r\nHost: hello.x\r\nA: " + b"x" * 200_000 + b"\r\n\r\n", 400, ""),
        (b"CONNECT hello.x:80 HTTP/1.1\r\nHost: hello.x\r\n\r\n", 400, ""),
    ],
)
async def test_odd_requests_find_nothing_odd(
    router: RouterBench, hello: App, request_bytes: bytes, status: int, text: str
) -> None:
    await router.serve("hello", hello)
    answer = await router.raw(request_bytes)
    assert answer.status == status
    assert text in answer.text


async def test_the_access_log_names_app_and_copy(router: RouterBench, hello: App) -> None:
    await router.serve("hello", hello)
    await router.get("hello.localhost", "/seen", headers={"User-Agent": 'a"b'})
    log = router.folder / "logs" / "access.log"
    await eventually(lambda: "/seen" in log.read_text())  # nginx logs after it has answered
    line = next(line for line in log.read_text().splitlines() if "/seen" in line)
    assert ' - 200 - "GET /seen HTTP/1.1" - ' in line
    assert f'"a\\x22b" - "hello" - {hello.address} - hello.localhost - ' in line

"""The etcd client with users and passwords, and over mutual TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from deis_node.cluster.etcd import AuthFailed, Etcd, Event, Unavailable
from tests.fixtures.certificates import Authority
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.waiting import eventually


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[EtcdMember]:
    """A server with the users `root` (all) and `agent` (only below /own/); passwords are names."""
    member = EtcdMember(tmp_path)
    member.start()
    for user in ("root", "agent"):
        member.post("/v3/auth/user/add", {"name": user, "password": user})
        member.post("/v3/auth/role/add", {"name": user})
        member.post("/v3/auth/user/grant", {"user": user, "role": user})
    permission = {"permType": "READWRITE", "key": "L293bi8=", "range_end": "L293bjA="}
    member.post("/v3/auth/role/grant", {"name": "agent", "perm": permission})
    member.post("/v3/auth/enable", {})
    yield member
    member.close()


def agent(server: EtcdMember) -> Etcd:
    return Etcd([server.endpoint], username="agent", password="agent")


async def watched(client: Etcd, revision: int, count: int) -> list[Event]:
    events: list[Event] = []
    async with aclosing(client.watch("/own/", revision)) as batches:
        async for batch in batches:
            events += batch
            if len(events) >= count:
                break
    return events


async def test_a_user_reads_and_writes_what_it_may(guarded: EtcdMember) -> None:
    async with agent(guarded) as client:
        await client.put("/own/a", b"1")
        assert len((await client.list("/own/")).items) == 1
        lease = await client.grant(60)
        assert await client.keepalive(lease) == 60


async def test_what_a_user_may_not_do_is_refused(guarded: EtcdMember) -> None:
    async with agent(guarded) as client:
        with pytest.raises(AuthFailed, match="permission denied"):
            await client.put("/others/a", b"1")


async def test_a_watch_beyond_the_permission_is_refused(guarded: EtcdMember) -> None:
    async with agent(guarded) as client, aclosing(client.watch("/others/", 1)) as batches:
        with pytest.raises(AuthFailed, match="permission denied"):
            await asyncio.wait_for(anext(batches), 5)


async def test_a_wrong_password_is_refused(guarded: EtcdMember) -> None:
    async with Etcd([guarded.endpoint], username="agent", password="wrong") as client:
        with pytest.raises(AuthFailed, match="authentication failed"):
            await client.get("/own/a")


async def test_nobody_at_all_is_refused(guarded: EtcdMember) -> None:
    async with Etcd([guarded.endpoint]) as client:
        with pytest.raises(AuthFailed):
            await client.get("/own/a")


async def test_a_token_that_a_restart_forgot_is_replaced(guarded: EtcdMember) -> None:
    async with agent(guarded) as client:
        await client.put("/own/a", b"1")
        await asyncio.to_thread(guarded.restart)
        await client.put("/own/a", b"2")


async def test_a_token_that_a_changed_permission_made_old_is_replaced(guarded: EtcdMember) -> None:
    async with (
        agent(guarded) as client,
        Etcd([guarded.endpoint], username="root", password="root") as root,
    ):
        await client.put("/own/a", b"1")
        await root.put("/a", b"")
        token = guarded.post("/v3/auth/authenticate", {"name": "root", "password": "root"})
        guarded.post("/v3/auth/user/add", {"name": "b", "password": "b"}, str(token["token"]))
        await client.put("/own/a", b"2")


async def test_a_watch_goes_on_after_a_restart_forgot_its_token(guarded: EtcdMember) -> None:
    async with agent(guarded) as client:
        first = await client.put("/own/a", b"1")
        async with asyncio.TaskGroup() as group:
            events = group.create_task(watched(client, first, 2))
            await eventually(lambda: guarded.watchers() == 1)
            await asyncio.to_thread(guarded.restart)
            await client.put("/own/a", b"2")
            async with asyncio.timeout(10):
                assert [event.kv.value for event in await events] == [b"1", b"2"]


async def test_a_user_may_work_on_a_store_that_lost_its_users(etcd_server: EtcdMember) -> None:
    async with agent(etcd_server) as client:
        await client.put("/own/a", b"1")


@pytest.fixture
async def encrypted(tmp_path: Path) -> AsyncIterator[tuple[EtcdMember, Authority]]:
    """A server that speaks TLS and wants a certificate of its clients."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server")
    member = EtcdMember(
        tmp_path,
        scheme="https",
        flags=[
            f"--cert-file={certificate}",
            f"--key-file={key}",
            f"--trusted-ca-file={authority.path}",
            "--client-cert-auth",
        ],
    )
    member.launch()
    yield member, authority
    member.close()


async def test_mutual_tls(encrypted: tuple[EtcdMember, Authority]) -> None:
    member, authority = encrypted
    context = ssl.create_default_context(cafile=str(authority.path))
    context.load_cert_chain(*authority.issue("client"))
    async with Etcd([member.endpoint], tls=context) as client:

        async def answers() -> bool:
            try:
                await client.put("/own/a", b"1")
            except Unavailable:
                return False
            return True

        await eventually(answers)
        assert len(await watched(client, 1, 1)) == 1

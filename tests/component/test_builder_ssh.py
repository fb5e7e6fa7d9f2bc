"""Who gets in over SSH, and what he may ask for (builder.md sections 1 and 2; faults.md E.4)."""

import asyncio
import socket
from dataclasses import replace

import pytest

from deis_control.db import apps
from deis_control.model import App
from tests.fixtures.builder import Pusher, RunningBuilder
from tests.fixtures.waiting import eventually

REFUSED = 255
"""What OpenSSH's client answers when the server refuses its request."""


@pytest.fixture
async def ann(builder: RunningBuilder) -> Pusher:
    return await builder.pusher("ann")


@pytest.fixture
async def app(builder: RunningBuilder, ann: Pusher) -> App:
    return await builder.app("ann")


async def test_ping_is_answered(ann: Pusher) -> None:
    done = await ann.ssh("ping")
    assert (done.status, done.out, done.err) == (0, "pong", "")


async def test_the_users_name_does_not_matter(ann: Pusher) -> None:
    argv = ann.ssh_argv("-l", "root", "127.0.0.1", "ping")
    assert (await ann.run(*argv)).out == "pong"


async def test_an_unknown_key_is_denied(builder: RunningBuilder) -> None:
    stranger = Pusher(builder.folder / "stranger", builder)
    done = await stranger.ssh("ping")
    assert done.status == REFUSED
    assert "Permission denied (publickey)." in done.err


async def test_a_removed_key_is_denied(builder: RunningBuilder, ann: Pusher) -> None:
    await builder.services.keys.remove(await builder.user("ann"), "key")
    assert (await ann.ssh("ping")).status == REFUSED


async def test_a_disabled_user_is_denied(builder: RunningBuilder, ann: Pusher) -> None:
    async with builder.database.connection() as conn:
        await conn.execute("UPDATE users SET is_active = false")
    assert (await ann.ssh("ping")).status == REFUSED


async def test_other_commands_are_refused(ann: Pusher) -> None:
    archive = "git-upload-archive 'hello.git'"
    for command in ("id", "sh -c id", "ping; id", archive, "scp -t /tmp", "x" * 70_000):
        done = await ann.ssh(command)
        assert (done.status, done.out) == (REFUSED, ""), command


async def test_there_is_no_shell(ann: Pusher) -> None:
    assert (await ann.run(*ann.ssh_argv("-T", "git@127.0.0.1"))).status == REFUSED


async def test_there_is_no_terminal(ann: Pusher) -> None:
    done = await ann.run(*ann.ssh_argv("-tt", "git@127.0.0.1", "ping", level="INFO"))
    assert "PTY allocation request failed" in done.err


async def test_there_is_no_file_transfer(ann: Pusher) -> None:
    assert (await ann.run(*ann.ssh_argv("-s", "git@127.0.0.1", "sftp"))).status == REFUSED


async def test_nothing_is_forwarded(ann: Pusher, builder: RunningBuilder) -> None:
    through = await ann.run(*ann.ssh_argv("-W", f"127.0.0.1:{builder.port}", "git@127.0.0.1"))
    assert through.status == REFUSED
    back = ann.ssh_argv("-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "git@127.0.0.1")
    assert (await ann.run(*back, "ping")).status == REFUSED


async def test_environment_variables_are_taken_and_dropped(ann: Pusher, app: App) -> None:
    options = ["-o", "SetEnv=GIT_DIR=/etc GIT_PROTOCOL=version=2 PATH=/nowhere LD_PRELOAD=/x"]
    done = await ann.run(*ann.ssh_argv(*options, "git@127.0.0.1", "git-upload-pack 'hello.git'"))
    assert done.out.startswith("0000")


async def test_no_repository_is_named_by_dots(ann: Pusher) -> None:
    done = await ann.ssh("git-upload-pack '../../etc'")
    assert (done.status, done.err) == (1, "No repo given\n")


async def test_an_unknown_app_is_said_to_be_unknown(ann: Pusher) -> None:
    for name in ("nothing", "-oProxyCommand=id", "ext::sh", "A", "x" * 300, "a\nb"):
        done = await ann.ssh(f"git-receive-pack '{name}.git'")
        assert done.status == 1
        assert done.err.startswith("There is no app ")
        assert len(done.err.splitlines()) == 1


async def test_a_user_without_access_is_told_so(builder: RunningBuilder, app: App) -> None:
    bob = await builder.pusher("bob")
    for command in ("git-receive-pack", "git-upload-pack"):
        done = await bob.ssh(f"{command} 'hello.git'")
        assert (done.status, done.err) == (1, "You have no access to app hello\n")


async def test_a_collaborator_may_clone_and_push(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    bob = await builder.pusher("bob")
    async with builder.database.connection() as conn:
        await conn.execute(
            "INSERT INTO app_users SELECT $1, id FROM users WHERE username = 'bob'", app.uuid
        )
    commit = ann.commit({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    assert (await ann.push()).status == 0
    cloned = await bob.git("clone", "-q", bob.url("hello"), "clone", cwd=bob.folder)
    assert cloned.status == 0, cloned.err
    head = await bob.git("rev-parse", "HEAD", cwd=bob.folder / "clone")
    assert head.out.strip() == commit


async def test_a_key_that_goes_during_the_push_stops_it(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    channel = await asyncio.create_subprocess_exec(
        *ann.ssh_argv("git@127.0.0.1", "git-receive-pack 'hello.git'"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert channel.stdout is not None
    assert (await channel.stdout.readexactly(4)) != b""
    await builder.services.keys.remove(await builder.user("ann"), "key")
    await channel.communicate(b"0000")
    assert (await ann.push()).status != 0
    assert await builder.accepted(app) == {}


async def test_the_host_keys_stay_over_a_restart(builder: RunningBuilder, ann: Pusher) -> None:
    async def keys() -> set[str]:
        scanned = await ann.run("ssh-keyscan", "-p", str(builder.port), "127.0.0.1")
        return {line.split(" ", 1)[1] for line in scanned.out.splitlines()}

    before = await keys()
    async with builder.running():
        assert await keys() == before
    assert {key.split()[0] for key in before} == {"ssh-ed25519", "ssh-rsa"}


async def test_a_database_that_is_away_is_named_instead_of_the_key(
    builder: RunningBuilder, ann: Pusher
) -> None:
    await builder.database.__aexit__(None, None, None)
    builder.database.dsn = "postgresql://nobody@127.0.0.1:1/none"
    await builder.database.__aenter__()
    done = await ann.run(*ann.ssh_argv("git@127.0.0.1", "ping", level="INFO"))
    assert done.status == REFUSED
    assert "The builder cannot look up keys at the moment" in done.err


async def test_connections_are_bounded(builder: RunningBuilder, ann: Pusher) -> None:
    builder.settings = replace(builder.settings, max_logins=3)
    async with builder.running():
        idle = [connected(builder.port) for _ in range(3)]
        try:
            for one in idle:
                assert await asyncio.to_thread(one.recv, 8) == b"SSH-2.0-"
            assert (await ann.ssh("ping")).status == REFUSED
        finally:
            for one in idle:
                one.close()
        await eventually(lambda: answers(ann))


def connected(port: int) -> socket.socket:
    """A client that connects and says nothing."""
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(10)
    return client


async def answers(ann: Pusher) -> bool:
    return (await ann.ssh("ping")).status == 0


async def test_a_login_that_takes_too_long_is_ended(builder: RunningBuilder) -> None:
    builder.settings = replace(builder.settings, login_grace=0.3)
    async with builder.running():
        client = connected(builder.port)
        received = await asyncio.to_thread(everything, client)
    assert received.startswith(b"SSH-2.0-Deis")


def everything(client: socket.socket) -> bytes:
    """What the server says until it closes."""
    with client:
        return b"".join(iter(lambda: client.recv(4096), b""))


async def test_a_connection_that_runs_nothing_is_closed(
    builder: RunningBuilder, ann: Pusher
) -> None:
    builder.settings = replace(builder.settings, idle_timeout=0.3)
    async with builder.running():
        done = await ann.run(*ann.ssh_argv("-N", "git@127.0.0.1"))
    assert done.status == REFUSED


async def test_a_silent_client_is_asked_whether_it_lives(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    builder.settings = replace(builder.settings, keepalive=0.2, idle_timeout=0.5)
    async with builder.running():
        process = await asyncio.create_subprocess_exec(
            *ann.ssh_argv("-vv", "git@127.0.0.1", "git-receive-pack 'hello.git'"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        async with asyncio.timeout(20):
            while b"keepalive@openssh.com" not in await process.stderr.readline():
                pass
        await process.communicate(b"0000")


async def test_an_app_being_looked_up_is_never_made(builder: RunningBuilder, ann: Pusher) -> None:
    await ann.ssh("git-receive-pack 'ghost.git'")
    async with builder.database.connection() as conn:
        assert await apps.all_apps(conn) == ()
    assert list((builder.settings.state_dir / "repos").iterdir()) == []

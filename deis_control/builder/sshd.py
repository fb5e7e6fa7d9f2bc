"""The SSH server: public keys only, `exec` of three commands only, bounded in every direction.

The user's name is ignored, the key is the identity (builder.md section 1). There is no terminal,
no shell, no forwarding, no agent, no file transfer; environment variables are taken and dropped.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncssh
import structlog

from deis_control.builder.channel import GitChannel
from deis_control.builder.commands import Command
from deis_control.builder.settings import BuilderSettings
from deis_node.runtime.errors import DeisError
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_CHANNELS = 10
"""Sessions that one connection may have open at once."""
_AWAY = "The builder cannot look up keys at the moment; try again in a few seconds.\n"
_ACK_FIRST, _ACK_GROWTH, _ACK_LAST = 0.002, 1.1, 0.05


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end of a connection."""

    fingerprint: str
    """Of the key that logged in: MD5, colon-separated."""
    connection: str
    """`<client address> <port> <server address> <port>`."""


KnowsKey = Callable[[str], Awaitable[bool]]
"""Whether a key of this fingerprint may log in; DeisError when nobody can tell now."""

Serve = Callable[[GitChannel, Command, Client], Awaitable[int]]
"""Run a command on its channel; the answer is the exit status."""


class SshServer:
    """Listens, lets known keys in, and hands each accepted command to `serve`."""

    def __init__(
        self,
        settings: BuilderSettings,
        host_keys: list[asyncssh.SSHKey],
        *,
        knows_key: KnowsKey,
        serve: Serve,
        tasks: Tasks,
    ) -> None:
        self.settings = settings
        self._host_keys = host_keys
        self.knows_key = knows_key
        self._serve = serve
        self._tasks = tasks
        self._count = 0
        self.open: set[asyncssh.SSHServerConnection] = set()
        self.logins = 0
        self.port = 0
        """The port listened on, once `run` has bound it."""
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled; OSError when the address is taken."""
        asyncssh.set_log_level("WARNING")
        host, _, port = self.settings.address.rpartition(":")
        acceptor = await asyncssh.listen(
            host.strip("[]"),
            int(port),
            server_factory=lambda: _Connection(self),
            server_host_keys=self._host_keys,
            server_version="Deis",
            encoding=None,
            allow_pty=False,
            line_editor=False,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_host=None,
            compression_algs=["none"],
            login_timeout=self.settings.login_grace,
            keepalive_interval=self.settings.keepalive,
            keepalive_count_max=self.settings.keepalive_misses,
        )
        self.port = acceptor.get_port()
        self.listening.set()
        log.info("ssh listening", address=host, port=self.port)
        try:
            await acceptor.wait_closed()
        finally:
            self.listening.clear()
            acceptor.close()

    def disconnect(self) -> None:
        """Close all connections."""
        for connection in tuple(self.open):
            connection.close()

    def start(self, channel: GitChannel, command: Command, client: Client) -> None:
        """Run a command as a task of the builder's."""
        self._count += 1
        self._tasks.start(f"ssh session {self._count}", self._run(channel, command, client))

    async def _run(self, channel: GitChannel, command: Command, client: Client) -> None:
        status = 1
        try:
            status = await self._serve(channel, command, client)
        except Exception as err:  # the guard of one session among many
            log.error("session failed", error=str(err), exc_info=err)
            channel.say("The builder failed; its log says why.")
        finally:
            channel.exit(status)


class _Connection(asyncssh.SSHServer):
    """One connection, from its first byte to its end."""

    def __init__(self, server: SshServer) -> None:
        self._server = server
        self._conn: asyncssh.SSHServerConnection | None = None
        self._known: dict[str, bool] = {}
        self._fingerprint = ""
        self._logging_in = True
        self._channels = 0
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the connection; one too many is closed at once."""
        server = self._server
        self._conn = conn
        server.open.add(conn)
        server.logins += 1
        settings = server.settings
        if len(server.open) > settings.max_connections or server.logins > settings.max_logins:
            log.warning("ssh connection refused", open=len(server.open), logins=server.logins)
            conn.abort()
            return
        self._acknowledge(_ACK_FIRST)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._conn is not None:
            self._server.open.discard(self._conn)
        self._logged_in()
        self._conn = None
        self._set_idle(False)

    def public_key_auth_supported(self) -> bool:
        """Keys are the only way in."""
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key is a user's. asyncssh asks twice: for the offer and the signature."""
        fingerprint = key.get_fingerprint("md5").removeprefix("MD5:")
        if fingerprint not in self._known:
            self._known[fingerprint] = await self._look_up(fingerprint)
        self._fingerprint = fingerprint
        return self._known[fingerprint]

    def auth_completed(self) -> None:
        """A key was accepted."""
        self._logged_in()
        self._set_idle(True)

    def session_requested(self) -> GitChannel | bool:
        """A channel for a command."""
        if self._channels >= _CHANNELS:
            return False
        self._channels += 1
        self._set_idle(False)
        client = Client(self._fingerprint, self._ends())
        return GitChannel(
            lambda channel, command: self._server.start(channel, command, client),
            self._channel_ended,
        )

    async def _look_up(self, fingerprint: str) -> bool:
        try:
            return await self._server.knows_key(fingerprint)
        except DeisError as err:
            log.warning("key not looked up", error=str(err))
            if self._conn is not None:
                self._conn.send_auth_banner(_AWAY)
            return False

    def _logged_in(self) -> None:
        if self._logging_in:
            self._logging_in = False
            self._server.logins -= 1

    def _channel_ended(self) -> None:
        self._channels -= 1
        if not self._channels:
            self._set_idle(True)

    def _set_idle(self, idle: bool) -> None:
        """Start or stop the clock of a connection that runs nothing."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if idle and self._conn is not None:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._server.settings.idle_timeout, self._conn.close)

    def _ends(self) -> str:
        assert self._conn is not None
        remote = self._conn.get_extra_info("peername") or ("", 0)
        local = self._conn.get_extra_info("sockname") or ("", 0)
        return f"{remote[0]} {remote[1]} {local[0]} {local[1]}"

    def _acknowledge(self, pause: float) -> None:
        """Send TCP acknowledgements at once while the client logs in.

        OpenSSH's client turns Nagle's algorithm off only when its session begins: until then
        each of its small messages waits for the acknowledgement of the one before, which Linux
        holds back for 40 ms. The option does not last, so it is set again and again.
        """
        sock = None if self._conn is None else self._conn.get_extra_info("socket")
        if not self._logging_in or sock is None or sock.fileno() < 0:
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        later = min(pause * _ACK_GROWTH, _ACK_LAST)
        asyncio.get_running_loop().call_later(pause, self._acknowledge, later)

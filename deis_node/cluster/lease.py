"""A lease that is kept alive, taken again when it is lost, and carried over restarts.

Lease arithmetic: a refresh and a call that needs both of its tries must fit into the TTL, so
that one hung member never costs the lease. A slow cluster has what is left of it (Patience).
"""

import asyncio

import structlog

from deis_node.cluster.etcd import Etcd, EtcdError
from deis_node.cluster.signals import Signal, Signals
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.settings import SettingsError

log = structlog.get_logger()


class Lease:
    """A lease of `ttl` seconds, held by the task that runs `run`.

    It is *held* while etcd has confirmed it less than `ttl` seconds ago, counted from when the
    question was sent, so that we never believe in it longer than etcd does. Unconfirmed for
    longer it is `lost`, but its id is kept: etcd may be away and still have it. Only when etcd
    says that it is gone a new one is taken, with a new id.
    """

    def __init__(self, etcd: Etcd, ttl: int, *, name: str, refresh: float | None = None) -> None:
        """`refresh` is the seconds between two confirmations, a third of the TTL by default.

        SettingsError when `refresh` and two times the client's timeout do not fit into `ttl`.
        """
        self.name = name
        self.ttl = ttl
        self.id = 0
        self.confirmed: float | None = None
        """When the last question was sent that etcd has answered with yes, by the loop's clock."""
        self.lost = asyncio.Event()
        self.lost.set()
        self._etcd = etcd
        self._refresh = ttl / 3 if refresh is None else refresh
        if self._refresh + 2 * etcd.timeout >= ttl:
            raise SettingsError(
                f"lease {name}: a refresh of {self._refresh:g} s and two etcd timeouts of "
                f"{etcd.timeout:g} s must be less than the TTL of {ttl} s"
            )
        self._within = (ttl - self._refresh) / 2
        self._held = asyncio.Event()
        self._signals = Signals()

    def adopt(self, lease_id: int) -> None:
        """Go on with the lease of an earlier process, if etcd says that it lives.

        To be called before `run`.
        """
        self.id = lease_id

    async def held(self) -> int:
        """Wait until the lease is held; its id."""
        await self._held.wait()
        return self.id

    @property
    def is_held(self) -> bool:
        """Whether etcd has confirmed the lease within the TTL."""
        return self._held.is_set()

    def subscribe(self) -> Signal:
        """A signal of one's own: set when the lease is granted, lost or held again, and now."""
        return self._signals.subscribe()

    def unsubscribe(self, signal: Signal) -> None:
        """Give a signal back; it will not be set again."""
        self._signals.unsubscribe(signal)

    async def run(self) -> None:
        """Take the lease and keep it, until cancelled; the lease itself stays."""
        loop = asyncio.get_running_loop()
        pause = Backoff(initial=0.1, maximum=max(0.1, min(1.0, self._refresh)))
        watchdog: asyncio.TimerHandle | None = None
        try:
            while True:
                asked = await self._confirm()
                if asked is None:
                    await pause.wait()
                    continue
                if watchdog is not None:
                    watchdog.cancel()
                watchdog = loop.call_at(asked + self.ttl, self._lose)
                self.confirmed = asked
                self._hold()
                pause.reset()
                await asyncio.sleep(self._refresh)
        finally:
            if watchdog is not None:
                watchdog.cancel()
            self._lose()

    async def revoke(self) -> None:
        """End the lease on purpose, and with it its keys; call it when `run` has ended.

        An etcd that is away is logged, not raised: the lease then ends by itself.
        """
        lease, self.id = self.id, 0
        self._lose()
        if not lease:
            return
        try:
            await self._etcd.revoke(lease)
        except EtcdError as err:
            log.warning("lease not revoked", lease=self.name, error=str(err))

    async def _confirm(self) -> float | None:
        """Renew the lease or take a new one.

        The time at which the confirmed question was sent; None when etcd gave no answer.
        """
        clock = asyncio.get_running_loop().time
        try:
            asked = clock()
            if self.id and await self._lives():
                return asked
            self._lose()
            asked = clock()
            self.id = await self._etcd.grant(self.ttl)
        except EtcdError as err:
            log.warning("lease not confirmed", lease=self.name, error=str(err))
            return None
        log.info("lease granted", lease=self.name, id=self.id)
        return asked

    async def _lives(self) -> bool:
        # A shorter TTL is that of a lease from before the setting changed: it may run out.
        if await self._etcd.keepalive(self.id, within=self._within) >= self.ttl:
            return True
        log.warning("lease is gone", lease=self.name, id=self.id)
        self.id = 0
        return False

    def _hold(self) -> None:
        if not self._held.is_set():
            self._held.set()
            self.lost.clear()
            self._signals.tell()

    def _lose(self) -> None:
        if self._held.is_set():
            self._held.clear()
            self.lost.set()
            self._signals.tell()

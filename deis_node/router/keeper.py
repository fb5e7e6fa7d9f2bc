"""Keeps nginx running, with the configuration that the settings ask for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from deis_node.router.admin import Admin, State
from deis_node.router.errors import AdminError, NginxError
from deis_node.router.folder import Folder
from deis_node.router.loader import Loader
from deis_node.router.nginx import Nginx
from deis_node.router.render import Configuration
from deis_node.router.settings import RouterSettings
from deis_node.runtime.backoff import Backoff, DeadlineExceeded, retry

log = structlog.get_logger()

_CONFIRM_LIMIT = 10.0
_LOAD_LIMIT = 2.0
_BETWEEN_RELOADS = 0.15
_TRY_AGAIN = 1.0
_TRY_AGAIN_MOST = 60.0


class Keeper:
    """nginx, kept alive and configured; `wanted` renders the settings as they are now.

    A configuration that nginx refuses leaves the last good one in force, and is named in `error`
    until another one is wanted; one that nginx only did not confirm in time is tried again, less
    and less often. `good` are the texts of the settings, kept once they serve.
    """

    def __init__(
        self,
        settings: RouterSettings,
        folder: Folder,
        admin: Admin,
        loader: Loader,
        wanted: Callable[[], Configuration],
        good: Callable[[], Mapping[str, str]],
    ) -> None:
        self.error = ""
        """Why nginx does not run as wanted; empty when it does."""
        self.settled = False
        """Whether no worker takes requests by a table that is no longer fed."""
        self.nginx = Nginx(settings, folder, self.wake)
        self._folder = folder
        self._admin = admin
        self._loader = loader
        self._wanted = wanted
        self._good = good
        self._refused = ""
        self._again = Backoff(initial=_TRY_AGAIN, maximum=_TRY_AGAIN_MOST)
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look again: nginx may have died, or other settings may be wanted."""
        self._wake.set()

    async def run(self) -> None:
        """Keep nginx until cancelled; it goes on after that."""
        pause = Backoff(initial=0.02, maximum=1.0)
        try:
            while True:
                try:
                    await self._ensure()
                    await self._configure()
                    pause.reset()
                    await self._wake.wait()
                    self._wake.clear()
                except (NginxError, AdminError, OSError) as err:
                    self._fail(str(err))
                    await pause.wait()
        finally:
            self.nginx.let_go()

    async def _ensure(self) -> None:
        """Have a master that runs, its table loaded, and no worker beside it."""
        if not self.nginx.alive:
            self.settled = False
            if not await self.nginx.adopt():
                await self.nginx.collect_orphans()
                await self._install()
                await self.nginx.start()
        if self.settled:
            return
        await self.nginx.collect_orphans()
        await self._answer(lambda state: True)
        self._loader.reset()
        if self.nginx.orphans:
            await self._replace_orphans()
        self.settled = True
        self._loader.wake()

    async def _replace_orphans(self) -> None:
        """The workers of a dead master leave when the new one has the table."""
        try:
            async with asyncio.timeout(_LOAD_LIMIT):
                await self._loader.loaded.wait()
        except TimeoutError:
            log.warning("workers of a dead master leave before the routes are loaded")
        await self.nginx.retire_orphans()

    async def _install(self) -> None:
        """Put the wanted configuration in force for a start, or leave the last good one."""
        wanted = self._wanted()
        before = await asyncio.to_thread(self._folder.read_conf)
        if wanted.text == before or wanted.id == self._refused:
            return
        await asyncio.to_thread(self._folder.write_aside, wanted)
        try:
            await self.nginx.test(self._folder.conf_new)
        except NginxError as err:
            if not before:
                raise
            self._refuse(wanted, str(err))
            return
        await asyncio.to_thread(self._folder.swap)

    async def _configure(self) -> None:
        """Have the running nginx take the wanted configuration, if it has another one."""
        wanted, texts = self._wanted(), self._good()
        if wanted.id == self._refused:
            return
        state = await self._admin.state()
        changed = state.config != wanted.id
        if changed and not await self._exchange(wanted):
            return
        await self._agree(texts)
        if changed:
            await asyncio.sleep(_BETWEEN_RELOADS)

    async def _exchange(self, wanted: Configuration) -> bool:
        """Put another configuration in force; False when nginx refuses or does not confirm it."""
        before = await asyncio.to_thread(self._folder.read_conf)
        await asyncio.to_thread(self._folder.write_aside, wanted)
        try:
            await self.nginx.test(self._folder.conf_new)
            await asyncio.to_thread(self._folder.swap)
            self.nginx.reload()
            await self._answer(lambda state: state.config == wanted.id)
        except (NginxError, AdminError) as err:
            if not self.nginx.alive:
                raise
            self._refuse(wanted, str(err))
            if isinstance(err, AdminError):
                self._postpone(wanted)
            if before:
                await asyncio.to_thread(self._folder.write_conf, before)
                self.nginx.reload()
            return False
        log.info("nginx serves another configuration", id=wanted.id)
        # Another size of the table's memory, or other code, begins with an empty one.
        self._loader.reset()
        return True

    async def _agree(self, texts: Mapping[str, str]) -> None:
        """The wanted configuration serves: keep what it was made of."""
        if self.error:
            log.info("nginx runs as wanted again")
        self.error = self._refused = ""
        self._again.reset()
        await asyncio.to_thread(self._folder.write_settings, texts)
        await asyncio.to_thread(self._folder.drop_old_code)
        self._loader.wake()

    async def _answer(self, fits: Callable[[State], bool]) -> None:
        """Wait until nginx answers over its socket, and as it should.

        AdminError if it does not, NginxError when it has ended.
        """

        async def look() -> None:
            if not self.nginx.alive:
                raise NginxError("nginx has ended")
            if not fits(await self._admin.state()):
                raise AdminError("nginx still serves the configuration before")

        await _within(look, _CONFIRM_LIMIT)

    def _refuse(self, wanted: Configuration, reason: str) -> None:
        self._refused = wanted.id
        self._fail(reason)

    def _postpone(self, wanted: Configuration) -> None:
        """Forget the refusal after a pause, unless another one came by then."""

        def again() -> None:
            if self._refused == wanted.id:
                self._refused = ""
                self.wake()

        asyncio.get_running_loop().call_later(self._again.next(), again)

    def _fail(self, reason: str) -> None:
        if reason != self.error:
            log.error("nginx does not run as wanted", reason=reason)
        self.error = reason
        self._loader.wake()


async def _within(look: Callable[[], Awaitable[None]], limit: float) -> None:
    pause = Backoff(initial=0.005, maximum=0.1)
    try:
        await retry(look, on=(AdminError,), deadline=limit, backoff=pause, what="nginx' answer")
    except DeadlineExceeded as err:
        raise AdminError(str(err)) from err

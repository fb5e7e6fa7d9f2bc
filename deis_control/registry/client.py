"""A client of the registry's HTTP API v2: what the control plane asks of it beside pushes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp

from deis_control.registry.names import is_digest, is_repository, is_tag
from deis_node.runtime.errors import DeisError

_MANIFESTS = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    )
)


class RegistryError(DeisError):
    """The registry refused or failed; the text says what was asked."""


class RegistryUnavailable(RegistryError):
    """The registry cannot be reached or did not answer in time."""


class Registry:
    """The platform's registry at the address that `address()` names now, as `host:port`."""

    def __init__(self, address: Callable[[], str], *, timeout: float = 10.0) -> None:
        self._address = address
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def ping(self) -> None:
        """Return when the registry answers; RegistryUnavailable, RegistryError."""
        async with self._ask("GET", "") as answer:
            _expect(answer, 200)

    async def digest(self, app: str, tag: str) -> str | None:
        """The digest that a tag stands for now; None when there is no such image."""
        if not is_repository(app) or not (is_tag(tag) or is_digest(tag)):
            return None
        path = f"{app}/manifests/{tag}"
        async with self._ask("HEAD", path, accept=_MANIFESTS) as answer:
            if answer.status == 404:
                return None
            _expect(answer, 200)
            digest = answer.headers.get("Docker-Content-Digest", "")
        if not is_digest(digest):
            raise RegistryError(f"the registry named no digest for {app}:{tag}")
        return digest

    async def delete(self, app: str, digest: str) -> bool:
        """Remove an image by its digest; False when it was not there.

        RegistryError also when the registry does not allow deletion.
        """
        if not is_repository(app) or not is_digest(digest):
            return False
        async with self._ask("DELETE", f"{app}/manifests/{digest}") as answer:
            if answer.status == 404:
                return False
            _expect(answer, 202)
        return True

    @asynccontextmanager
    async def _ask(
        self, method: str, path: str, *, accept: str = "application/json"
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One answer; the path's parts were checked by the caller."""
        if self._session is None:
            raise RuntimeError("the client of the registry is not open")
        url = f"http://{self._address()}/v2/{path}"
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._session.request(
                    method, url, headers={"Accept": accept}, allow_redirects=False
                ) as answer,
            ):
                yield answer
        except TimeoutError as err:
            raise RegistryUnavailable(
                f"no answer from the registry within {self._timeout} s"
            ) from err
        except (aiohttp.ClientError, OSError) as err:
            raise RegistryUnavailable(f"the registry cannot be reached: {err}") from err


def _expect(answer: aiohttp.ClientResponse, status: int) -> None:
    if answer.status != status:
        raise RegistryError(
            f"the registry answered {answer.status} to {answer.method} {answer.url.path}"
        )

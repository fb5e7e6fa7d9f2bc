"""What is asked about images and done to them: fetch, send, name, build, remove."""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from deis_node.docker import model
from deis_node.docker.errors import (
    BuildFailed,
    DockerError,
    NotFound,
    PullFailed,
    PushFailed,
    Unavailable,
)
from deis_node.docker.model import BuildLine, Built, ImageInfo, StoredImage
from deis_node.docker.streams import image_path, split_reference
from deis_node.docker.wire import Wire

_TRANSFER = 900.0
"""Seconds that fetching or sending one image may take."""
_SILENCE = 120.0
"""Seconds without any progress after which a transfer is given up."""
_NOBODY = base64.urlsafe_b64encode(b"{}").decode()
"""The credentials of somebody who has none: a push must carry some."""
_PIECE = 64 * 1024


class ImageCalls(Wire):
    """The part of `client.Docker` that is about images."""

    async def image(self, reference: str) -> ImageInfo | None:
        """The image of this reference or id in the engine's store; None when it is not there."""
        try:
            answer = await self._ask("GET", f"images/{image_path(reference)}/json")
        except NotFound:
            return None
        return model.image_info(answer)

    async def images(
        self, label_filters: Mapping[str, str] | None = None
    ) -> tuple[StoredImage, ...]:
        """All images in the engine's store, layers without a name left out."""
        wanted = [f"{key}={value}" for key, value in (label_filters or {}).items()]
        params = {"filters": json.dumps({"label": wanted})} if wanted else {}
        answer = await self._ask("GET", "images/json", params=params)
        return tuple(model.stored_image(entry) for entry in answer)

    async def pull(self, reference: str, *, deadline: float = _TRANSFER) -> None:
        """Fetch an image from its registry; PullFailed with the reason, Unavailable."""
        name, tag = split_reference(image_path(reference))
        params = {"fromImage": name, "tag": tag}
        try:
            async with self._open(
                "POST", "images/create", params=params, deadline=deadline, idle=_SILENCE
            ) as answer:
                async for entry in answer.entries():
                    _raise_error(entry, PullFailed)
        except (PullFailed, Unavailable):
            raise
        except DockerError as err:
            raise PullFailed(err.text) from err

    async def push(self, reference: str, *, deadline: float = _TRANSFER) -> str:
        """Send an image to the registry that its reference names; its digest, `sha256:…`.

        NotFound when the engine has no such image, PushFailed with the reason, Unavailable.
        """
        name, tag = split_reference(image_path(reference))
        digest = ""
        async with self._open(
            "POST",
            f"images/{name}/push",
            params={"tag": tag},
            headers={"X-Registry-Auth": _NOBODY},
            deadline=deadline,
            idle=_SILENCE,
        ) as answer:
            async for entry in answer.entries():
                _raise_error(entry, PushFailed)
                digest = _aux(entry).get("Digest", digest)
        if not digest:
            raise PushFailed(f"the registry named no digest for {reference}")
        return digest

    async def tag(self, reference: str, repository: str, tag: str) -> None:
        """Give an image another name. NotFound."""
        params = {"repo": repository, "tag": tag}
        await self._ask("POST", f"images/{image_path(reference)}/tag", params=params)

    async def remove_image(self, reference: str, *, force: bool = False) -> None:
        """Take a name from an image, and the image with its last name.

        NotFound; Conflict when a container uses it.
        """
        params = {"force": "1" if force else "0"}
        await self._ask("DELETE", f"images/{image_path(reference)}", params=params, deadline=120.0)

    async def build(
        self,
        context: AsyncIterator[bytes] | bytes,
        tag: str,
        labels: Mapping[str, str] | None = None,
        *,
        dockerfile: str = "Dockerfile",
        deadline: float = 3600.0,
    ) -> AsyncGenerator[BuildLine | Built, None]:
        """Build the Dockerfile of a tar archive: its output line by line, at the end `Built`.

        BuildFailed with the engine's reason; Unavailable. Left early, the build is cancelled.
        `deadline` is in seconds for all of it.
        """
        params = {"t": tag, "rm": "1", "forcerm": "1", "dockerfile": dockerfile}
        params["labels"] = json.dumps(dict(labels or {}))
        image_id = ""
        text = ""
        data = _pieces(context) if isinstance(context, bytes) else context
        headers = {"Content-Type": "application/x-tar"}
        try:
            async with self._open(
                "POST", "build", params=params, data=data, headers=headers, deadline=deadline
            ) as answer:
                async for entry in answer.entries():
                    image_id = _aux(entry).get("ID", image_id)
                    *whole, text = (text + str(entry.get("stream", ""))).split("\n")
                    for line in whole:
                        yield BuildLine(line)
                    _raise_error(entry, BuildFailed)
        except (BuildFailed, Unavailable):
            raise
        except DockerError as err:
            raise BuildFailed(err.text) from err
        if text:
            yield BuildLine(text)
        if not image_id:
            raise BuildFailed("the Docker Engine named no image at the end of the build")
        yield Built(image_id)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    """The archive in pieces, so that sending it never holds up the loop."""
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _aux(entry: Mapping[str, Any]) -> Mapping[str, str]:
    aux = entry.get("aux")
    return aux if isinstance(aux, Mapping) else {}


def _raise_error(entry: Mapping[str, Any], kind: type[DockerError]) -> None:
    """Raise what a stream tells as an error; the answer's status was 200 long ago."""
    detail = entry.get("errorDetail")
    if "error" not in entry and detail is None:
        return
    text = detail.get("message") if isinstance(detail, Mapping) else None
    raise kind(str(text or entry.get("error") or "the Docker Engine names no reason"))

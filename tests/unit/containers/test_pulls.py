"""Who fetches an image and when, without an engine."""

import asyncio
from pathlib import Path

import pytest

from deis_node.containers.pulls import Pulls
from deis_node.docker.client import Docker
from deis_node.runtime.tasks import Tasks

IMAGE = "127.0.0.1:5000/one@sha256:1"


async def test_an_image_whose_fetch_could_not_begin_is_not_on_its_way(tmp_path: Path) -> None:
    done = asyncio.Event()
    faults = [RuntimeError("who is told has failed")]

    def begun(_: str) -> None:
        if faults:
            raise faults.pop()

    async with Docker(f"unix://{tmp_path}/none.sock") as docker, Tasks() as tasks:
        pulls = Pulls(docker, tasks, lambda _: done.set(), first=1, longest=1, begun=begun)
        with pytest.raises(RuntimeError):
            pulls.begin(IMAGE)
        assert pulls.begin(IMAGE) is None
        async with asyncio.timeout(10):
            await done.wait()
        assert pulls.begin(IMAGE) is not None, "the fault is told"

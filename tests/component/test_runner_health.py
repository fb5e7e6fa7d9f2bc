"""Copies that hang, and images that bring a health check, on a real Docker Engine."""

from dataclasses import replace
from typing import Any

import pytest

from deis_node.cluster.records import HealthCheck, Instance, Placement
from deis_node.docker.client import Docker
from tests.builders import make_placement
from tests.fixtures.docker import DockerEngine, build_image
from tests.fixtures.runner import Agent
from tests.fixtures.waiting import eventually

CHECKED = "deis-test/checked:latest"
"""Serves at once; its health check passes from SIGUSR1 on, until SIGUSR2."""

_SERVE = (
    "trap 'touch /up' USR1; trap 'rm /up' USR2; trap 'exit 0' TERM; "
    "httpd -p 5000 -h /www; while :; do sleep 0.1; done"
)
_DOCKERFILE = f"""\
FROM {{base}}
ADD index.html /www/index.html
EXPOSE 5000
HEALTHCHECK --interval=0.5s --retries=2 --start-period=120s CMD test -e /up || (echo no; exit 1)
CMD ["/bin/sh", "-c", "{_SERVE}"]
"""


@pytest.fixture(scope="session")
async def checked_image(docker_engine: DockerEngine, busybox_image: str) -> str:
    async with Docker(docker_engine.url) as client:
        dockerfile = _DOCKERFILE.format(base=busybox_image)
        await build_image(client, CHECKED, dockerfile, {"index.html": b"hello\n"})
    return CHECKED


@pytest.fixture
def quick(agent: Agent) -> Agent:
    """An agent that notices soon."""
    agent.publisher_settings = replace(
        agent.publisher_settings, liveness=0.5, liveness_again=0.2, recheck=0.2
    )
    agent.runner_settings = replace(agent.runner_settings, hang_grace=1.0)
    return agent


def web(image: str, **facts: Any) -> Placement:
    return make_placement(**{"image": image, "command": None, "grace": 1} | facts)


async def seen(agent: Agent, copy: Placement) -> Instance:
    instance = await agent.instance(copy)
    assert instance is not None
    return instance


async def has_error(agent: Agent, copy: Placement, words: str) -> bool:
    instance = await agent.instance(copy)
    return instance is not None and words in (instance.error or "")


async def came_back(agent: Agent, copy: Placement) -> bool:
    instance = await agent.instance(copy)
    return instance is not None and instance.ready and instance.restarts == 1


async def test_a_copy_that_hangs_is_withdrawn_and_starts_again(
    quick: Agent, web_image: str
) -> None:
    copy = web(web_image, liveness=HealthCheck("/healthz", timeout=0.5), grace=60)
    beside = web(web_image, num=2, health=HealthCheck("/no"), liveness=HealthCheck("/no"))
    await quick.start()
    await quick.place(copy, beside)
    await eventually(lambda: quick.is_ready(copy))
    await eventually(lambda: has_error(quick, beside, "answered 404"))
    await quick.docker.kill(copy.copy.container, "SIGSTOP")

    async def withdrawn() -> bool:
        return await quick.endpoint(copy) is None

    await eventually(withdrawn)
    await eventually(lambda: came_back(quick, copy))
    last = (await seen(quick, copy)).last_exit
    assert last is not None
    why = "was ended after 3 failures in a row: liveness check /healthz does not answer"
    assert str(last.why).startswith(why)
    assert last.signal == 9
    (told,) = quick.told
    assert told == ("hello", f"web.1 {last.why}; it starts again")
    assert await quick.get(copy) == "hello\n"
    # One that was never ready is left to the rollout, though it would have failed long ago.
    assert (await seen(quick, beside)).restarts == 0


async def test_an_agent_that_starts_again_goes_on_asking(quick: Agent, web_image: str) -> None:
    copy = web(web_image, liveness=HealthCheck("/healthz", timeout=0.5))
    await quick.start()
    await quick.place(copy)
    await eventually(lambda: quick.is_ready(copy))
    await quick.stop()
    await quick.docker.kill(copy.copy.container, "SIGSTOP")
    await quick.start()
    await eventually(lambda: came_back(quick, copy))


async def test_an_images_own_check_says_when_a_copy_is_ready_and_when_it_hangs(
    quick: Agent, checked_image: str
) -> None:
    copy = web(checked_image)
    await quick.start()
    await quick.place(copy)
    await eventually(lambda: has_error(quick, copy, "health check has not passed yet"))
    assert await quick.endpoint(copy) is None
    await quick.docker.kill(copy.copy.container, "SIGUSR1")
    await eventually(lambda: quick.is_ready(copy))
    assert await quick.get(copy) == "hello\n"
    await quick.docker.kill(copy.copy.container, "SIGUSR2")

    async def restarted() -> bool:
        return (await seen(quick, copy)).restarts == 1

    await eventually(restarted)
    last = (await seen(quick, copy)).last_exit
    assert last is not None
    assert last.why == "was ended: the image's health check fails: no"
    assert not (await seen(quick, copy)).ready


async def test_an_images_own_check_does_not_count_for_workers_and_beside_the_apps_own(
    quick: Agent, checked_image: str
) -> None:
    worker = web(checked_image, type="worker")
    asked = web(checked_image, health=HealthCheck("/index.html"))
    await quick.start()
    await quick.place(worker, asked)
    await eventually(lambda: quick.is_ready(worker))
    await eventually(lambda: quick.is_ready(asked))


async def test_a_worker_is_ready_when_it_has_run_as_long_as_its_app_says(
    quick: Agent, web_image: str
) -> None:
    sleep = ("/bin/sh", "-c", "sleep 60")
    soon = web(web_image, type="worker", num=1, command=sleep, runs_for=0.0)
    late = web(web_image, type="worker", num=2, command=sleep, runs_for=600.0)
    dies = ("/bin/sh", "-c", "sleep 0.5; exit 7")
    never = web(web_image, type="worker", num=3, command=dies, runs_for=1.0)
    ready: list[bool] = []
    await quick.start()
    await quick.place(late, never, soon)

    async def ended() -> bool:
        instance = await quick.instance(never)
        ready.append(instance is not None and instance.ready)
        return instance is not None and instance.restarts >= 2

    await eventually(ended)
    assert not any(ready)
    assert await quick.is_ready(soon)
    assert not await quick.is_ready(late)

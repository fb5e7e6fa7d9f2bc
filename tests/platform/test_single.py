"""What must never run twice, on a real platform."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.fixtures.platform import App, Platform, poll

pytestmark = pytest.mark.usefixtures("rests")


@pytest.fixture
def single(app: App) -> App:
    """An app whose web copy must be alone."""
    app.platform.deis("config:set", "DEIS_SINGLE=web", "-a", app.name)
    poll(lambda: app.get()[0] == 200, 30, "answers")
    return app


@pytest.fixture
def silent_store(platform: Platform) -> Iterator[None]:
    """An etcd that does not answer."""
    pid = platform.pid("etcd")
    os.kill(pid, signal.SIGSTOP)
    yield
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("change", [("ps:restart",), ("config:set", "A=1")])
def test_while_a_single_copy_is_replaced_there_are_never_two(
    single: App, change: tuple[str, ...]
) -> None:
    before = single.only_container()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(single.platform.deis, *change, "-a", single.name)
        seen = [single.platform.containers(single.name)]
        while not done.done():
            seen.append(single.platform.containers(single.name))
        done.result()
    assert max(len(names) for names in seen) == 1
    poll(lambda: single.get()[0] == 200, 30, "answers")
    assert single.only_container() != before


def test_without_a_word_of_the_store_a_single_copy_ends_and_others_run_on(
    single: App, request: pytest.FixtureRequest
) -> None:
    platform = single.platform
    other = platform.create("other").deploy()
    request.getfixturevalue("silent_store")
    poll(lambda: platform.containers(single.name) == [], 60, "the single copy ends")
    assert other.get()[0] == 200
    os.kill(platform.pid("etcd"), signal.SIGCONT)
    poll(lambda: single.get()[0] == 200, 60, "it comes back")
    assert other.get()[0] == 200
    other.destroy()

"""Fixtures of all tests: the real servers, each in a module of tests/fixtures."""

import os
import signal
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# A busy machine makes single examples slow; pytest's own timeout bounds the test.
settings.register_profile("deis", deadline=None)
settings.load_profile("deis")

# The programs' own configuration does the same; drawn tracebacks hold a loop up for seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

pytest_plugins = [
    "tests.fixtures.etcd",
    "tests.fixtures.postgres",
    "tests.fixtures.control",
    "tests.fixtures.docker",
    "tests.fixtures.registry",
    "tests.fixtures.builder",
    "tests.fixtures.ldap",
    "tests.fixtures.logger",
    "tests.fixtures.router",
    "tests.fixtures.scheduling",
    "tests.fixtures.runner",
    "tests.fixtures.swarm",
    "tests.fixtures.platform",
    "tests.fixtures.cluster",
    "tests.fixtures.invariants",
    "tests.fixtures.command_line",
    "tests.fixtures.recording",
    "tests.fixtures.seen",
    "tests.fixtures.storm",
    "tests.fixtures.spread",
]


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start: in the background of a shell it is ignored,
    and they inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, the longest of all, whatever the order of the rest."""
    seconds: dict[Path, float] = {}
    for item in items:
        if mark := item.get_closest_marker("long"):
            seconds[item.path] = mark.args[0]
    items.sort(key=lambda item: -seconds.get(item.path, 0))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With DEIS_TEST_STRICT=1 a skipped or expected-to-fail test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("DEIS_TEST_STRICT") != "1":
        return
    if any(reporter.stats.get(outcome) for outcome in ("skipped", "xfailed", "xpassed")):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

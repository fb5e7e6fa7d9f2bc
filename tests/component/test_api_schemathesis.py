"""The API under what schemathesis makes of its description: examples, each field's bounds and
beyond, wrong types, other methods, and random data, over real HTTP and PostgreSQL.

No change can be carried out, as on a platform without hosts: the stand-in for the leader fails
each with a reason, which is the documented 503. Nothing else may be 5xx, and nothing may be
undocumented. After each route's cases a real change still works. The seed is fixed.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from deis_control.db.pool import Database
from deis_node.cluster.seal import Ring
from deis_node.runtime.tasks import Tasks, forever
from tests.fixtures.control import BUILDER_KEY, Api, served
from tests.fixtures.fuzzing import CHECKS, TOKEN, answers_as_described, described, lead, mend
from tests.fixtures.logger import RunningLogger
from tests.fixtures.postgres import Databases

_T = TypeVar("_T")
Dsn = Callable[[], Coroutine[Any, Any, str]]

CASES = 2000
"""How many there are at least, over all routes."""

HEADERS = {"Authorization": f"token {TOKEN}", "X-Deis-Builder-Auth": BUILDER_KEY}
REASON = "web.1 cannot be placed: there are no hosts"
BUILD = {"image": "hello", "sha": "a" * 40, "procfile": {"web": "serve"}}

SCHEMA = described(examples=20)
OPERATIONS = len(list(SCHEMA.get_all_operations()))


class ServedApi:
    """The API in a thread of its own: schemathesis calls it from the test's."""

    def __init__(self) -> None:
        self.url = ""
        self.cases = 0
        """Of all routes so far."""
        self.turn = 0
        """Of this route so far: who calls and about what goes by turns."""
        self.routes = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started: Future[None] = Future()
        self._api: Api | None = None
        self._database: Database | None = None

    @property
    def api(self) -> Api:
        assert self._api is not None
        return self._api

    def run(self, dsn: Dsn, ring: Ring, folder: Path) -> None:
        """Serve until told to stop, on the database that `dsn` answers."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(dsn, ring, folder))
        except BaseException as err:
            if self._started.done():
                raise
            self._started.set_exception(err)
        finally:
            self._loop.close()

    async def _serve(self, dsn: Dsn, ring: Ring, folder: Path) -> None:
        logger = RunningLogger(folder)
        await logger.start()
        async with Database(await dsn()) as database, Tasks() as owned:
            owned.start("database", forever("database", database.run))
            async with served(database, ring) as api:
                api.log_address = logger.settings.http
                self._api, self._database, self.url = api, database, api.anonymous.url
                self._started.set_result(None)
                await self._stop.wait()
        await logger.stop()

    def wait_until_started(self) -> None:
        self._started.result(60)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    def do(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run something in the API's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def ready(self) -> None:
        """Let the app be there, with a build; from now on every change fails."""
        assert self._database is not None
        self.do(mend(self._database, "admin"))
        if self.get("/v1/apps/hello/").status_code == 404:
            self.api.leader.reason = None
            self.post("/v1/apps/", {"id": "hello"}, 201)
            self.post("/v1/apps/hello/builds/", BUILD, 201)
        self.api.leader.reason = REASON

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, headers=HEADERS, timeout=60)

    def post(self, path: str, body: Any, status: int) -> None:
        answer = requests.post(self.url + path, json=body, headers=HEADERS, timeout=60)
        assert answer.status_code == status, answer.text

    def newest(self) -> str:
        """The app's newest operation."""
        return str(self.get("/v1/apps/hello/operations/").json()["results"][0]["id"])


@pytest.fixture(scope="module")
def served_api(
    databases: Databases,
    ring: Ring,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServedApi]:
    """The API, served to the whole module."""
    made = ServedApi()
    folder = tmp_path_factory.mktemp("logger")
    thread = threading.Thread(target=made.run, args=(databases.make, ring, folder))
    thread.start()
    try:
        made.wait_until_started()
        yield made
    finally:
        made.stop()
        thread.join(60)
    if made.routes == OPERATIONS:
        assert made.cases >= CASES


@pytest.fixture
def route(served_api: ServedApi) -> Iterator[ServedApi]:
    """The API for one route's cases; then a change works, and the app is as it says."""
    served_api.ready()
    served_api.turn = 0
    yield served_api
    served_api.ready()
    served_api.api.leader.reason = None
    served_api.routes += 1
    for copies in (2, 1):
        served_api.post("/v1/apps/hello/scale/", {"web": copies}, 204)
        assert served_api.get("/v1/apps/hello/containers/web/").json()["count"] == copies


@pytest.mark.long(40)
@SCHEMA.parametrize()
@settings(suppress_health_check=list(HealthCheck))
def test_no_answer_is_undocumented(route: ServedApi, case: schemathesis.Case) -> None:
    route.cases, route.turn = route.cases + 1, route.turn + 1
    route.ready()
    if route.turn % 4:
        lead(case, "admin", route.newest)
    headers = HEADERS if route.turn % 8 != 1 else {}
    answer = case.call_and_validate(base_url=route.url, headers=headers, checks=CHECKS)
    assert answers_as_described(answer), answer.text

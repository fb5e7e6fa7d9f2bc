"""A real controller under what schemathesis makes of its description, while there is no host to
place anything on; and a real deploy afterwards.

What comes of changes that succeed is tried beside it in tests/component/test_api_schemathesis.py.
"""

import asyncio
import json
import os
import re
import signal
import tomllib
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from deis_control.db.pool import Database
from tests.fixtures.fuzzing import CHECKS, TOKEN, answers_as_described, described, lead, mend
from tests.fixtures.platform import Platform, poll, running_platform

SCHEMA = described(examples=3)
ROUTES = {found.ok().label for found in SCHEMA.get_all_operations()}
CASES = 1000
"""How many there are at least, over all routes."""
HEADERS = {"Authorization": f"token {TOKEN}"}

IMPATIENT = """
[scheduler]
pickup_timeout = 0.2
stop_timeout = 0.5
"""
"""Nobody comes to the host's help, so that nothing need be waited for."""


class Lonely:
    """A platform whose only host does not answer; its app `hello` was scaled to nothing before."""

    def __init__(self, platform: Platform, runner: asyncio.Runner) -> None:
        self.platform = platform
        self.turn = 0
        """How many cases there were."""
        self.routes: set[str] = set()
        self.url = str(platform.facts["controller"])
        self.superuser = str(platform.facts["username"])
        self._runner = runner
        self._settings = platform.home / "etc" / "control.toml"
        self._patient = self._settings.read_text()
        self._dsn = str(tomllib.loads(self._patient)["database"]["url"])
        self._agent = platform.pid("deis-node")

    def leave(self) -> None:
        """Let the host fall silent."""
        self.platform.deis("ps:scale", "web=0", "-a", "hello")
        poll(lambda: not self.platform.etcd("/deis/placements/"), 60, "nothing is placed")
        self._restart(self._patient + IMPATIENT)
        os.kill(self._agent, signal.SIGSTOP)
        poll(lambda: not self.platform.etcd("/deis/hosts/"), 60, "the host is gone")
        self.ready()
        refused = self.call("POST", "/v1/apps/hello/scale/", {"web": 1})
        assert (refused.status_code, refused.json()["detail"]) == (
            503,
            "no host takes web.1: no host is alive",
        )

    def come_back(self) -> None:
        """Let the host speak again, and its first user work with the token of the cases."""
        os.kill(self._agent, signal.SIGCONT)
        self._restart(self._patient)
        poll(lambda: bool(self.platform.etcd("/deis/hosts/")), 60, "the host is back")
        self.ready()
        user = self.platform.home / "user"
        profile = json.loads((user / ".deis" / "client.json").read_text())
        (user / ".deis" / "client.json").write_text(json.dumps(profile | {"token": TOKEN}))
        key = {"id": "again", "public": (user / "id_ed25519.pub").read_text().strip()}
        assert self.call("POST", "/v1/keys/", key).status_code in (201, 400)

    def ready(self) -> None:
        """Give back what the cases took away."""
        self._runner.run(self._mend())
        if self.call("GET", "/v1/apps/hello/").status_code == 404:
            assert self.call("POST", "/v1/apps/", {"id": "hello"}).status_code == 201

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        return requests.request(method, self.url + path, json=body, headers=HEADERS, timeout=60)

    def newest(self) -> str:
        """The newest operation of the app; of an app made anew, one that there is not."""
        found = self.call("GET", "/v1/apps/hello/operations/").json()["results"]
        return str(found[0]["id"]) if found else "00000000-0000-4000-8000-000000000000"

    def _restart(self, controllers: str) -> None:
        """Let the controller have other settings."""
        self._settings.write_text(controllers)
        old = self.platform.kill("deis-control")
        poll(lambda: self.platform.pid("deis-control") not in (0, old), 60, "restarted")
        poll(lambda: self._is_healthy(), 60, "the controller answers")

    def _is_healthy(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    async def _mend(self) -> None:
        async with Database(self._dsn, size=1) as database:
            await mend(database, self.superuser)


@pytest.fixture(scope="module")
def lonely() -> Iterator[Lonely]:
    """The platform; it deploys for real when the cases are over."""
    with running_platform() as platform, asyncio.Runner() as runner:
        made = Lonely(platform, runner)
        try:
            made.leave()
            yield made
        finally:
            made.come_back()
        platform.create().deploy("after all that").destroy()
    if made.routes == ROUTES:
        assert made.turn >= CASES


@pytest.mark.long(40)
@pytest.mark.timeout(400)
@SCHEMA.parametrize()
@settings(suppress_health_check=list(HealthCheck))
def test_no_answer_of_a_real_controller_is_undocumented(
    lonely: Lonely, case: schemathesis.Case
) -> None:
    lonely.turn += 1
    lonely.routes.add(case.operation.label)
    lonely.ready()
    if lonely.turn % 4:
        lead(case, lonely.superuser, lonely.newest)
    _keep_near(case)
    headers = HEADERS if lonely.turn % 8 != 1 else {}
    answer = case.call_and_validate(base_url=lonely.url, headers=headers, checks=CHECKS, timeout=60)
    assert answers_as_described(answer), answer.text


def _keep_near(case: schemathesis.Case) -> None:
    """Let images be where a connection is refused at once: the world's registry is out of reach,
    and finding that out takes Docker half a minute.
    """
    if isinstance(case.body, dict) and re.fullmatch(r"[\w./:@-]+", str(case.body.get("image", ""))):
        case.body["image"] = f"127.0.0.1:1/{case.body['image']}"

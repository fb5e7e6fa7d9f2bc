"""The verbs of a schedule, carried out on a real cluster.

What is asked of the platform may be refused: the answer is part of the trace. A fault that cannot
be done is an error of the run.
"""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from deis_cli.deisctl.local.router_stop import master
from tests.chaos.schedule import SIDE, STEADY, Step
from tests.fixtures.cluster import Cluster
from tests.fixtures.http_client import Controller
from tests.fixtures.invariants import Change
from tests.fixtures.platform import App
from tests.fixtures.traffic import make_app

ASYNC = {"Prefer": "respond-async"}
SERVE = "exec /app/serve"
WORK = "trap 'exit 0' TERM; while :; do sleep 1; done"
PROCFILE = f"web: {SERVE}\nworker: {WORK}\n"
ACTS = {"deploy": "build", "config": "config.change", "destroy": "app.destroy"}
"""A verb as the audit trail names it, where that is another word."""
ACCEPTED = 202
CONFIRMED = (200, ACCEPTED, 204)
"""With 200 and 204 there was nothing to do, or a host was changed at once."""


class Hands:
    """Somebody who uses a cluster, and hurts it."""

    def __init__(self, cluster: Cluster, marker: str) -> None:
        self.cluster = cluster
        self.marker = marker
        """What every config value holds, and no log may."""
        self.accepted: list[Change] = []
        """Changes that must be in the audit trail."""
        self._controller = Controller.of(cluster)
        self._pushes = ThreadPoolExecutor(1)
        self._pushing: list[Future[str]] = []
        self._number = 0
        self._lock = threading.Lock()
        self._shas: dict[str, str] = {}
        self._destroyed: list[App] = []
        self.apps: dict[str, App] = {STEADY: self._known(make_app(cluster, 4))}
        self._create()

    def do(self, step: Step) -> Any:
        """Carry out a step; what came of it."""
        done: Callable[[Step], Any] = getattr(self, f"_{step.what}", self._change)
        return done(step)

    def finish(self) -> list[str]:
        """Wait for pushes that are under way; what came of each."""
        found = [future.result() for future in self._pushing]
        self._pushing.clear()
        return found

    def close(self) -> None:
        """Destroy what was made."""
        self.finish()
        self._pushes.shutdown()
        for app in self.apps.values():
            app.destroy()
        for app in self._destroyed:
            shutil.rmtree(app.copy.parent)

    # What users ask for

    def _change(self, step: Step) -> Any:
        """A change of an app over the API; nobody waits for its end."""
        app = self.apps.get(step.on)
        if app is None or app.name not in self._shas:
            return "there is no such app"
        path, body = self._asked(app, step)
        method = "DELETE" if step.what == "destroy" else "POST"
        status, answer = self._controller.call(
            method, f"/v1/apps/{app.name}{path}", body, timeout=20, **ASYNC
        )
        if status == ACCEPTED:
            self.accepted.append((ACTS.get(step.what, step.what), app.name))
            if step.what == "destroy":
                self._destroyed.append(self.apps.pop(step.on))
        return status if status in CONFIRMED else f"{status} {str(answer)[:200]}"

    def _asked(self, app: App, step: Step) -> tuple[str, Any]:
        words = dict(step.words)
        if step.what == "deploy":
            web = SERVE if words["good"] else "exit 3"
            procfile = {"web": web, "worker": WORK}
            build = {"image": app.name, "sha": self._shas[app.name], "dockerfile": "true"}
            return "/builds/", {**build, "procfile": procfile}
        if step.what == "config":
            return "/config/", {"values": {"MARK": f"{self.marker}-{self._count()}"}}
        if step.what in ("stop", "start"):
            return f"/containers/{words['type']}/{step.what}/", None
        paths = {
            "scale": "/scale/",
            "restart": "/containers/restart/",
            "rollback": "/releases/rollback/",
            "destroy": "/",
        }
        return paths[step.what], words

    def _create(self, step: Step | None = None) -> str:
        self._pushing.append(self._pushes.submit(self._made))
        return "begun"

    def _made(self) -> str:
        """A new app beside the one under traffic, and its first push."""
        try:
            app = self.cluster.create("side")
        except AssertionError as err:
            return str(err)[:200]
        app.write("Procfile", PROCFILE)
        self.accepted.append(("app.create", app.name))
        self.apps[SIDE] = app
        return self._pushed(app)

    def _push(self, step: Step) -> str:
        app = self.apps.get(step.on)
        if app is None:
            return "there is no such app"
        self._pushing.append(self._pushes.submit(self._pushed, app))
        return "begun"

    def _pushed(self, app: App) -> str:
        app.commit(f"commit {self._count()}")
        try:
            done = app.push(check=False)
        except subprocess.TimeoutExpired:
            return f"{app.name}: the push did not end"
        if done.returncode:
            return f"{app.name}: {done.stderr[-300:]}"
        self._known(app)
        return f"{app.name} is pushed"

    def _known(self, app: App) -> App:
        """Remember a commit whose image is there."""
        self._shas[app.name] = app.git("rev-parse", "HEAD").stdout.strip()[:8]
        return app

    def _count(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    # What operators ask for

    def _cordon(self, step: Step) -> Any:
        return self._host(step.on, cordoned=True)

    def _uncordon(self, step: Step) -> Any:
        return self._host(step.on, cordoned=False)

    def _drain(self, step: Step) -> Any:
        return self._host(step.on, draining=True)

    def _undrain(self, step: Step) -> Any:
        return self._host(step.on, draining=False)

    def _host(self, host: str, **word: bool) -> Any:
        status, answer = self._controller.call("PATCH", f"/v1/hosts/{host}/", word, timeout=20)
        return status if status in CONFIRMED else f"{status} {str(answer)[:200]}"

    def _rebalance(self, step: Step) -> Any:
        status, answer = self._controller.call("POST", "/v1/hosts/rebalance/", {}, timeout=20)
        return f"{status} {str(answer)[:200]}"

    # What happens to the platform

    def _kill(self, step: Step) -> str:
        """kill -9, if it runs just now."""
        program, _, host = step.on.partition("@")
        pid = self.cluster.pid(step.on)
        if program == "nginx":
            folder = self.cluster.hosts.site(host).node_state / "router" / "nginx"
            pid = master(folder) or 0
        if not pid:
            return "it does not run"
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return f"killed {pid}"

    def _off(self, step: Step) -> None:
        self.cluster.power_off(step.on)

    def _on(self, step: Step) -> None:
        self.cluster.power_on(step.on)

    def _freeze(self, step: Step) -> None:
        self.cluster.freeze(step.on)

    def _thaw(self, step: Step) -> None:
        self.cluster.thaw(step.on)

    def _cut(self, step: Step) -> None:
        self.cluster.partition(step.on)

    def _join(self, step: Step) -> None:
        self.cluster.hosts.join(step.on)

    def _lose(self, step: Step) -> None:
        self.cluster.one_way_loss(step.words["source"], step.on)

    def _lossy(self, step: Step) -> None:
        self.cluster.lossy(step.words["percent"], step.on)

    def _mend(self, step: Step) -> None:
        self.cluster.lose_nothing(step.on)

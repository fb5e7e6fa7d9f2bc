"""The hosts of a local platform, as hands to hurt and to mend them with.

Off is what pulling the plug does: the wire goes first, so that nobody is told, then every process
of the host dies at once, then what a reboot clears is cleared. Its disk stays. The supervisor
leaves a host without power alone. Frozen is what a hung host is: connections are open and nobody
answers. Cut is a host whose network is gone and which does not know.
"""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

from deis_cli.deisctl.local import power, processes
from deis_cli.deisctl.local.cgroups import cgroup_freeze, cgroup_frozen, cgroup_pids
from deis_cli.deisctl.local.components import Component, all_components, pid_file
from deis_cli.deisctl.local.engine_teardown import teardown
from deis_cli.deisctl.local.errors import LocalError, StepFailed
from deis_cli.deisctl.local.fabric import HostNetwork
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.programs import this_venv
from deis_cli.deisctl.local.sites import Site, sites

KILL_TIMEOUT = 15.0
"""Seconds until a host's killed processes must be gone."""
START_TIMEOUT = 90.0
"""Seconds until a host that got its power back must answer."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts of one home; every verb may be said again, and raises LocalError."""

    home: Home
    choices: Choices

    @classmethod
    def of(cls, home: Home) -> "Hosts":
        """Those of a home; LocalError when it has one host or none."""
        choices = home.load()
        if choices is None:
            raise LocalError(f"{home.root} holds no platform: run `up --hosts 3` first.")
        if choices.hosts == 1:
            raise LocalError(
                f"The platform in {home.root} has one host, which is this machine: "
                "make another with `up --home DIR --hosts 3`."
            )
        return cls(home, choices)

    def site(self, name: str) -> Site:
        """The host of this name."""
        found = {site.name: site for site in sites(self.home, self.choices)}
        if name not in found:
            raise LocalError(f"There is no host {name}: the hosts are {', '.join(found)}.")
        return found[name]

    def off(self, name: str) -> None:
        """Take a host's power away."""
        site = self.site(name)
        network = _network(site)
        with power.held(site):
            site.off.touch()
        if network.is_joined:
            network.cut()
        self._kill_all(site)
        assert site.engine is not None, "each of several hosts has its own engine"
        teardown(site.engine, grace=0)
        for component in self.components(name):
            pid_file(self.home, component.name).unlink(missing_ok=True)
        power.count_boot(site)

    def on(self, name: str) -> None:
        """Give a host its power back; the supervisor starts its components."""
        self.site(name).off.unlink(missing_ok=True)

    def wait(self, name: str, timeout: float = START_TIMEOUT) -> None:
        """Wait until every component of a host answers that is not kept down; StepFailed names one
        that does not.
        """
        if processes.read(pid_file(self.home, "supervisor")) is None:
            raise LocalError("The supervisor, which starts what runs on hosts, is gone: run `up`.")
        deadline = time.monotonic() + timeout
        for component in self.components(name):
            while component.wanted() and not component.ready():
                if time.monotonic() > deadline:
                    log = self.home.log_of(component.name)
                    raise StepFailed(
                        f"{component.name} does not answer; see {log}.",
                        log_tail=processes.tail(log),
                    )
                time.sleep(0.05)

    def freeze(self, name: str) -> None:
        """Hang a host: its processes stop in the middle of what they do."""
        self._set_frozen(self.site(name), frozen=True)

    def thaw(self, name: str) -> None:
        """Let a hung host go on."""
        self._set_frozen(self.site(name), frozen=False)

    def cut(self, name: str) -> None:
        """Pull a host's network cable."""
        _network(self._powered(name)).cut()

    def join(self, name: str) -> None:
        """Plug a host's network cable in again."""
        _network(self._powered(name)).join()

    def state(self, name: str) -> str:
        """`on`, `off`, `frozen`, `cut`, or `frozen, cut`."""
        site = self.site(name)
        if not power.is_on(site):
            return "off"
        network = _network(site)
        faults = ["frozen"] if cgroup_frozen(network.name) else []
        faults += [] if network.is_joined else ["cut"]
        return ", ".join(faults) or "on"

    def components(self, name: str) -> tuple[Component, ...]:
        """What runs on a host while it has power."""
        every = all_components(self.home, self.choices, this_venv())
        return tuple(item for item in every if item.host == name)

    def _powered(self, name: str) -> Site:
        site = self.site(name)
        if not power.is_on(site):
            raise LocalError(f"{name} has no power: `deisctl local host on {name}` first.")
        return site

    def _set_frozen(self, site: Site, *, frozen: bool) -> None:
        self._powered(site.name)
        if not cgroup_freeze(_network(site).name, frozen=frozen):
            verb = "frozen" if frozen else "thawed"
            raise LocalError(f"The processes of {site.name} could not be {verb}.")

    def _kill_all(self, site: Site) -> None:
        """Kill every process of a host: frozen first, so that none sees another die."""
        group = _network(site).name
        cgroup_freeze(group, frozen=True)
        try:
            self._signal(site)
        finally:
            cgroup_freeze(group, frozen=False)
        deadline = time.monotonic() + KILL_TIMEOUT
        while self._signal(site):
            if time.monotonic() > deadline:
                left = ", ".join(map(str, sorted(cgroup_pids(group))))
                raise LocalError(f"These processes of {site.name} cannot be ended: {left}.")
            time.sleep(0.02)

    def _signal(self, site: Site) -> bool:
        """Kill what is in the host's group or about to enter it; whether there was anything."""
        pids = set(cgroup_pids(_network(site).name))
        for component in self.components(site.name):
            process = processes.read(pid_file(self.home, component.name))
            if process is not None:
                pids.add(process.pid)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(pids)


def _network(site: Site) -> HostNetwork:
    assert site.network is not None, "each of several hosts has its own network"
    return site.network

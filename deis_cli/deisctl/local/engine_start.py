"""`python -m deis_cli.deisctl.local.engine_start HOME ID SUBNET [NUMBER [swarm]]`: the engine.

The process enters the home's control group, has the published ports held (`port_hold.py`), leaves
a small process behind that lets them go when the engine answers, and becomes dockerd. Its pid
stays the same.
"""

import os
import select
import sys
from pathlib import Path

from deis_cli.deisctl.local import engine
from deis_cli.deisctl.local.cgroups import cgroup_enter
from deis_cli.deisctl.local.engine_layout import EngineLayout, layout
from deis_cli.deisctl.local.port_hold import hold_ports, release_ports

PAUSE = 10
"""Milliseconds between two questions whether the engine answers."""


def main(arguments: list[str]) -> None:
    """Become the engine of this home; LocalError or OSError when that cannot be done."""
    home, *words = arguments
    where = layout(Path(home), *words)
    cgroup_enter(where.engine_cgroup)
    if hold_ports(where.network):
        _leave_releaser(where)
    # A firewall service on the bus would put the engine's rules into the machine's namespace.
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={where.run}/no-bus"
    program = engine.dockerd(where)
    os.execvp(program[0], program)  # noqa: S606 - an argv list, no shell


def _leave_releaser(where: EngineLayout) -> None:
    """Fork twice, so that the process left behind is nobody's child who would not reap it."""
    watched = os.pidfd_open(os.getpid())
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            _release_when_ready(where, watched)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(watched)


def _release_when_ready(where: EngineLayout, watched: int) -> None:
    """Let the ports go once the engine answers; when it dies first, the next start takes over."""
    os.setsid()
    ended = select.poll()
    ended.register(watched, select.POLLIN)
    while not ended.poll(PAUSE):
        if engine.answers(where):
            release_ports(where.network)
            return


if __name__ == "__main__":
    main(sys.argv[1:])

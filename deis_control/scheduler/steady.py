"""Which host takes a copy, those that come and go last. PURE."""

from collections.abc import Collection, Mapping, Sequence

from deis_control.scheduler.feasible import Choice, Need, choose_hosts
from deis_control.scheduler.world import HostSeen
from deis_node.cluster.names import CopyName


def choose_steady(
    copies: Sequence[CopyName],
    needs: Mapping[str, Need],
    hosts: Sequence[HostSeen],
    mine: Mapping[str, Sequence[str]],
    separate: Collection[str],
    flapping: Collection[str],
) -> Choice:
    """As `choose_hosts`; a host that flaps takes only what no other one does."""
    steady = [host for host in hosts if host.name not in flapping]
    if not steady or len(steady) == len(hosts):
        return choose_hosts(copies, needs, hosts, mine, separate)
    first = choose_hosts(copies, needs, steady, mine, separate)
    if not first.refused:
        return first
    others = [host for host in hosts if host.name in flapping]
    second = choose_hosts(list(first.refused), needs, others, mine, separate)
    return Choice(
        {**first.hosts, **second.hosts},
        {copy: f"{first.refused[copy]}; {why}" for copy, why in second.refused.items()},
        {**first.why, **second.why},
        first.hopeless & second.hopeless,
    )

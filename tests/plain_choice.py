"""The choice of hosts as defined: every copy looks at every host. The oracle of the fast one."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from deis_control.scheduler.rooms import Need
from deis_control.scheduler.world import HostSeen
from deis_node.cluster.names import CopyName

PARTS = ("kept", "zone", "type", "app", "image", "memory", "load", "name")
"""What decides, the first part first."""


class Plain:
    """The hosts while copies are given to them."""

    def __init__(
        self,
        hosts: Sequence[HostSeen],
        mine: Mapping[str, Sequence[str]],
        separate: Collection[str],
        holding: Collection[str],
    ) -> None:
        self.hosts = hosts
        self.holding = set(holding)
        self.separate = set(separate)
        self.types = {host.name: Counter(mine.get(host.name, ())) for host in hosts}
        self.copies = {host.name: host.copies for host in hosts}
        self.memory = {host.name: host.reserved for host in hosts}
        self.shares = {host.name: int(host.cpu_reserved * 1024) for host in hosts}

    def fits(self, host: HostSeen, need: Need) -> bool:
        name = host.name
        return (
            all(host.tags.get(key) == value for key, value in need.tags.items())
            and (not need.arch or not host.arch or need.arch == host.arch)
            and not host.cordoned
            and not host.draining
            and (not host.memory or self.memory[name] + need.memory <= host.memory)
            and (not host.cpus or not need.cpu or self.shares[name] + need.cpu <= host.cpus * 1024)
        )

    def place_of(self, host: HostSeen, kind: str, need: Need) -> tuple[object, ...]:
        name = host.name
        zone = [other.name for other in self.hosts if other.zone == host.zone]
        share = self.memory[name] / host.memory if need.memory and host.memory else 0
        return (
            bool(self.separate & set(host.roles)),
            sum(self.types[other][kind] for other in zone),
            self.types[name][kind],
            self.types[name].total(),
            name not in self.holding,
            share,
            self.copies[name] / max(host.cpus, 1),
            name,
        )

    def take(self, host: str, kind: str, need: Need) -> None:
        self.types[host][kind] += 1
        self.copies[host] += 1
        self.memory[host] += need.memory
        self.shares[host] += need.cpu


def plain_choice(
    copies: Sequence[CopyName],
    needs: Mapping[str, Need],
    hosts: Sequence[HostSeen],
    mine: Mapping[str, Sequence[str]],
    separate: Collection[str] = (),
    holding: Collection[str] = (),
) -> dict[CopyName, tuple[str, list[str], int]]:
    """Copy → its host, the parts that ruled another host out, and how many hosts fit."""
    plain = Plain(hosts, mine, separate, holding)
    found = {}
    for copy in copies:
        need = needs.get(copy.type, Need())
        able = [host for host in hosts if plain.fits(host, need)]
        if not able:
            continue
        places = {host.name: plain.place_of(host, copy.type, need) for host in able}
        best = min(places, key=lambda name: places[name])
        found[copy] = (best, _decisive(places, best), len(able))
        plain.take(best, copy.type, need)
    return found


def _decisive(places: Mapping[str, tuple[object, ...]], best: str) -> list[str]:
    left = list(places)
    words = []
    for part, word in enumerate(PARTS):
        equal = [name for name in left if places[name][part] == places[best][part]]
        if len(equal) < len(left):
            words.append(word)
        left = equal
    return words

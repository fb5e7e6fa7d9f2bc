"""What is done to a cluster in a randomized run: changes and faults, fixed by a seed. PURE.

A run is a row of rounds. What a round hurts it heals before its end, and the quiet point after it
is when everything must hold. At most one host is hurt at a time, and etcd keeps its majority but
in rounds that announce otherwise. Nothing here depends on how the cluster answers, so the same
seed is the same schedule whatever comes of it: a change that no longer fits is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

STEADY = "steady"
"""The app under traffic: it always has copies enough to lose a host's, and is never stopped."""
SIDE = "side"
"""Another app, to which everything happens; another one after each time that it was destroyed."""

HURTS = ("off", "off", "freeze", "cut", "lose", "lossy")
MENDS = {"off": "on", "freeze": "thaw", "cut": "join", "lose": "mend", "lossy": "mend"}
LONGEST_FREEZE = 15.0
"""Seconds for which a host hangs at most."""
KILLED = ("deis-control", "deis-node", "docker", "containerd", "nginx")
"""Of a host; etcd's members have rules of their own."""
SHARED = ("postgres", "registry", "relay")
"""What all hosts lean on."""
APART = 3.0
"""Seconds between two kills: a member of etcd must be back before the next one goes."""
LOSS = 5.0
"""Of a hundred packets, in `lossy`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done."""

    at: float
    """Seconds after the round's beginning."""
    what: str
    on: str = ""
    """An app's role, a host, or a component."""
    words: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_fault(self) -> bool:
        """Whether it is done to the platform, and not asked of it."""
        return self.what == "kill" or self.what in MENDS or self.what in MENDS.values()

    def to_plain(self) -> dict[str, Any]:
        """For the trace."""
        return {"at": self.at, "what": self.what, "on": self.on, **self.words}


@dataclass(frozen=True, slots=True)
class Round:
    """Some changes and faults, all of them healed in the end."""

    number: int
    steps: tuple[Step, ...]
    hurt: str = ""
    """The host that was hurt; empty for none."""
    announced: str = ""
    """What is taken away that promises depend on: `majority` of etcd, for a moment."""


def rounds(seed: int, hosts: Sequence[str], length: float) -> Iterator[Round]:
    """Round after round, each about so many seconds long."""
    side = True
    for number in count(1):
        # Each has a die of its own, so that a round can be told by its number.
        rng = Random(f"{seed} {number}")
        changes, side = _changes(rng, length, side=side)
        steps = [*changes, *_words(rng, hosts, length)]
        kind = rng.choices(("hurt", "kills", "majority"), weights=(5, 4, 1))[0]
        hurt = ""
        if kind == "hurt":
            hurt = rng.choice(hosts)
            steps += _hurt(rng, hurt, hosts, length)
            steps += _kills(rng, [f"{part}@{h}" for part in KILLED for h in hosts if h != hurt], 1)
        elif kind == "majority":
            steps += _majority(rng, hosts, length)
        else:
            members = [f"etcd@{host}" for host in hosts]
            parts = [f"{part}@{host}" for part in KILLED for host in hosts]
            steps += _kills(rng, [*members, *parts, *SHARED], int(length / (2 * APART)))
        steps.sort(key=lambda step: step.at)
        yield Round(number, tuple(steps), hurt, kind if kind == "majority" else "")


def _moment(rng: Random, low: float, high: float) -> float:
    return round(rng.uniform(low, high), 1)


def _changes(rng: Random, length: float, *, side: bool) -> tuple[list[Step], bool]:
    """What users do; and whether there is an app beside the one under traffic in the end."""
    found: list[Step] = []
    moments = sorted(_moment(rng, 0, length) for _ in range(rng.randint(2, 2 + int(length / 6))))
    for at in moments:
        if not side:
            found.append(Step(at, "create", SIDE))
            side = True
        elif rng.random() < 0.4:
            found.append(_of_steady(rng, at))
        else:
            found.append(_of_side(rng, at))
            side = found[-1].what != "destroy"
    return found, side


def _of_steady(rng: Random, at: float) -> Step:
    what = rng.choice(("deploy", "deploy", "config", "scale", "restart", "rollback"))
    words: dict[str, Any] = {}
    if what == "scale":
        words = {"web": rng.randint(3, 6)}
    elif what == "deploy":
        words = {"good": rng.random() < 0.7}
    return Step(at, what, STEADY, words)


def _of_side(rng: Random, at: float) -> Step:
    kinds = {"deploy": 3, "push": 1, "config": 2, "scale": 3, "restart": 1, "rollback": 2}
    kinds |= {"stop": 1, "start": 1, "destroy": 1}
    what = rng.choices(list(kinds), weights=list(kinds.values()))[0]
    words: dict[str, Any] = {}
    if what == "scale":
        words = {"web": rng.randint(0, 4), "worker": rng.randint(0, 2)}
    elif what == "deploy":
        words = {"good": rng.random() < 0.7}
    elif what in ("stop", "start"):
        words = {"type": rng.choice(("web", "worker"))}
    return Step(at, what, SIDE, words)


def _words(rng: Random, hosts: Sequence[str], length: float) -> list[Step]:
    """What an operator says of hosts; taken back before the end."""
    found: list[Step] = []
    if rng.random() < 0.3:
        what, host = rng.choice(("cordon", "drain")), rng.choice(hosts)
        begin = _moment(rng, 0, length / 2)
        end = _moment(rng, begin + 1, length)
        found += [Step(begin, what, host), Step(end, f"un{what}", host)]
    if rng.random() < 0.4:
        found.append(Step(_moment(rng, length / 2, length), "rebalance"))
    return found


def _hurt(rng: Random, host: str, hosts: Sequence[str], length: float) -> list[Step]:
    """One host is hurt, and mended."""
    what = rng.choice(HURTS)
    begin = _moment(rng, 0, length / 4)
    end = _moment(rng, begin + 2, length)
    words: dict[str, Any] = {}
    if what == "freeze":
        end = min(end, begin + LONGEST_FREEZE)
    elif what == "lose":
        words = {"source": rng.choice([name for name in hosts if name != host])}
    elif what == "lossy":
        words = {"percent": LOSS}
    return [Step(begin, what, host, words), Step(end, MENDS[what], host)]


def _kills(rng: Random, parts: Sequence[str], most: int) -> list[Step]:
    """Processes are killed, one after the other."""
    moments = [round(n * 2 * APART + _moment(rng, 0, APART), 1) for n in range(most)]
    return [Step(at, "kill", rng.choice(parts)) for at in moments]


def _majority(rng: Random, hosts: Sequence[str], length: float) -> list[Step]:
    """Two members of etcd are killed at once."""
    at = _moment(rng, 1, length / 2)
    return [Step(at, "kill", f"etcd@{host}") for host in rng.sample(list(hosts), 2)]

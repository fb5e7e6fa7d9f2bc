"""A randomized run on a real cluster: rounds of changes and faults under traffic, then rest.

After each round everything must hold that must hold at rest, and no request may have failed that
the promises of docs/reliability.md cover: from the moment a host is hurt until the next quiet
point a request may fail, at all other times none. When nginx' master is killed its workers close
idle connections as they leave; what a client sends on one at that very moment is lost.

When the cluster is through, the planner plays the same rounds in virtual time, twice.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from tests.chaos.hands import Hands
from tests.chaos.lines import Lines
from tests.chaos.schedule import MENDS, STEADY, Round, Step, rounds
from tests.chaos.trace import Trace
from tests.chaos.virtual import HOSTS, Play
from tests.fixtures.cluster import Cluster
from tests.fixtures.invariants import at_rest, broken
from tests.fixtures.load import Request
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import BESIDE_OTHERS, Traffic, moment

ROUTERS = ("local-1", "local-2")
REST = 300.0
"""Seconds until everything must hold after a round."""
PROMISED = 25.0
"""Seconds for which requests through a router elsewhere may fail after a host that leads was hurt;
beside other work, as in CI, ten times as long."""
LEAVING = 20.0
"""Seconds in which the workers of a dead nginx leave; ten times what a new one needs."""
DELIVERY = 120.0
"""Seconds until lines are where they belong; another logger gets them half a minute after one is
gone."""
TAIL = 30
"""Lines of the trace that are told when a promise was broken."""
MARKER = "hush"


@dataclass(frozen=True)
class Hurt:
    """A time in which requests may fail."""

    host: str
    began: float
    ended: float
    patience: float
    """Seconds for which also those may fail that go through a router elsewhere."""

    def covers(self, item: Request, router: str) -> bool:
        """Whether a request through a router may have failed for it."""
        ended = self.ended if router == self.host else min(self.ended, self.began + self.patience)
        return item.started <= ended and item.ended >= self.began


@dataclass(frozen=True)
class Leaving:
    """A time in which the workers of a dead nginx close idle connections."""

    host: str
    began: float

    def covers(self, item: Request, router: str) -> bool:
        """Whether a request went out on a connection that was being closed."""
        unanswered = item.kept_alive and item.status == 0
        then = self.began <= item.started <= self.began + LEAVING
        return router == self.host and unanswered and then


class Run:
    """One run."""

    def __init__(self, cluster: Cluster, hands: Hands, trace: Trace, patience: float) -> None:
        self.cluster = cluster
        self.trace = trace
        self.rests: list[float] = []
        self.counts: Counter[str] = Counter()
        self.gaps: list[float] = []
        """After each hurt, until when requests failed through a router elsewhere."""
        self._hands = hands
        self._patience = patience
        self._traffic = Traffic(cluster, hands.apps[STEADY].host, list(ROUTERS), BESIDE_OTHERS)
        self.lines = Lines(cluster, hands.apps[STEADY], ROUTERS)
        self._excused: list[Hurt | Leaving] = []
        self._failed: list[Request] = []

    def rounds(self, seed: int, seconds: float, length: float) -> None:
        """Rounds until the time is over; AssertionError when a promise is broken."""
        deadline = time.monotonic() + seconds
        every = rounds(seed, self.cluster.names, length)
        with self._traffic.flows(), self.lines.flow():
            for item in takewhile(lambda _: time.monotonic() < deadline, every):
                self.round(item)
        assert self._failed == [], f"{len(self._failed)} requests failed: {self._failed[:3]}"

    def round(self, item: Round) -> None:
        """One round, and the quiet point after it."""
        self.trace.note("round", number=item.number, hurt=item.hurt, announced=item.announced)
        hurt_at = self._carry_out(item)
        for text in self._hands.finish():
            self.trace.note("push", result=text)
        self.cluster.heal()
        self._rest(item)
        if item.hurt:
            hurt = Hurt(item.hurt, hurt_at, moment(), self._patience)
            self._excused.append(hurt)
            self.gaps += [self._gap(hurt, router) for router in ROUTERS if router != hurt.host]
        self._traffic.settle()
        self._judge(item)

    def _carry_out(self, item: Round) -> float:
        """Changes and faults beside each other; when the host was hurt."""
        began, hurt_at = moment(), [0.0]

        def lane(steps: Sequence[Step]) -> None:
            for step in steps:
                time.sleep(max(0.0, began + step.at - moment()))
                if step.what in MENDS:
                    hurt_at[0] = moment()
                if step.what == "off":
                    self.lines.darkened(step.on)
                if step.on.startswith("nginx@"):
                    self._excused.append(Leaving(step.on.partition("@")[2], moment()))
                self.counts["faults" if step.is_fault else "changes"] += 1
                result = self._hands.do(step)
                self.trace.note("step", **step.to_plain(), result=result)

        faults = [step for step in item.steps if step.is_fault]
        changes = [step for step in item.steps if not step.is_fault]
        with ThreadPoolExecutor(2) as lanes:
            for future in [lanes.submit(lane, faults), lanes.submit(lane, changes)]:
                future.result()
        return hurt_at[0]

    def _rest(self, item: Round) -> None:
        """Everything must hold."""
        began, before = moment(), [list[str]()]

        def told(found: list[str]) -> None:
            if found not in before:
                before[0] = found
                self.trace.note("not at rest", number=item.number, what=found)

        try:
            asyncio.run(at_rest(self.cluster, REST, changes=self._hands.accepted, told=told))
            found = asyncio.run(broken(self.cluster, secrets=[self._hands.marker]))
            assert found == [], "\n".join(found)
            self._all_lines()
        except AssertionError as err:
            self.trace.note("broken", number=item.number, what=str(err).splitlines())
            raise
        self.rests.append(moment() - began)
        self.trace.note("quiet", number=item.number, after=round(self.rests[-1], 1))

    def _all_lines(self) -> None:
        """Every line that the app wrote is in some logger's files."""
        now = moment()
        deadline = now + DELIVERY
        while missing := self.lines.missing(before=now):
            assert moment() < deadline, f"{len(missing)} lines are lost: {missing[:5]}"
            time.sleep(1)

    def _gap(self, hurt: Hurt, router: str) -> float:
        failed = [item for item in self._traffic.failures(router) if hurt.covers(item, router)]
        return max((item.started - hurt.began for item in failed), default=0.0)

    def _judge(self, item: Round) -> None:
        """No request may have failed but in a time that is excused; all that did are told."""
        for router in ROUTERS:
            for failed in self._traffic.failures(router):
                excused = any(span.covers(failed, router) for span in self._excused)
                if excused or any(failed is known for known in self._failed):
                    continue
                self._failed.append(failed)
                told = {name: value for name, value in vars(failed).items() if name != "started"}
                at = self.trace.seconds(failed.started)
                self.trace.note("failed", number=item.number, at=at, router=router, **told)


def random_run(
    cluster: Cluster,
    seen: Seen,
    folder: Path,
    *,
    seed: int,
    seconds: float,
    length: float,
    patience: float = PROMISED,
) -> None:
    """A whole run, that tells its seed first and its figures in the end.

    Rounds take so many seconds each; `patience` is how long requests through a router may fail
    when a host elsewhere was hurt.
    """
    path = folder / f"chaos-{seed}.jsonl"
    seen(f"seed {seed}, rounds of {length:.0f} s for {seconds:.0f} s; the trace is {path}")
    assert len(cluster.names) == len(HOSTS), "the planner plays for as many"
    trace = Trace(path)
    trace.note("run", seed=seed, seconds=seconds, length=length)
    with _hands(cluster, f"{MARKER}-{seed}") as hands:
        run = Run(cluster, hands, trace, patience)
        try:
            run.rounds(seed, seconds, length)
        except Exception:
            seen("\n".join(["the trace ends so:", *trace.tail(TAIL)]))
            raise
        finally:
            _tell(run, hands, seen)
    _play(seed, len(run.rests), length, path.with_suffix(".play"), seen)


def _play(seed: int, count: int, length: float, path: Path, seen: Seen) -> None:
    """The planner's part of the same rounds, the same each time to the last write; kept too."""
    once, again = Play(seed), Play(seed)
    try:
        once.run(count, length)
    finally:
        path.write_text("\n".join(once.lines) + "\n")
        seen(f"the planner plays {count} rounds in virtual time, {len(once.lines)} lines: {path}")
    again.run(count, length)
    assert once.digest == again.digest, "the planner decides otherwise when it is asked again"


@contextmanager
def _hands(cluster: Cluster, marker: str) -> Iterator[Hands]:
    hands = Hands(cluster, marker)
    try:
        yield hands
    finally:
        try:
            cluster.heal()
        finally:
            hands.close()


def _tell(run: Run, hands: Hands, seen: Seen) -> None:
    changes, faults = run.counts["changes"], run.counts["faults"]
    seen(
        f"{len(run.rests)} rounds, {changes} changes of which {len(hands.accepted)} were accepted, "
        f"{faults} faults and their ends"
    )
    seen(f"all held at most {max(run.rests, default=0):.1f} s after the last of a round")
    seen(f"{run.lines.written} lines of the app under traffic were looked for after each round")
    if run.gaps:
        last = max(run.gaps)
        told = f"the last that failed was begun {last:.1f} s after" if last else "none failed"
        seen(f"of the requests through another router than the one of a host that was hurt {told}")

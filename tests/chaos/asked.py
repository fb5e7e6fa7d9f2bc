"""What users ask of the apps of the model, and what it makes of their formations. PURE."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.chaos.schedule import Step
from tests.leader_model import Leader

Formation = tuple[Mapping[str, int], frozenset[str]]
"""Process type → count, and the types of it that are stopped."""


@dataclass
class Ask:
    """A change that was accepted."""

    kind: str
    formation: Callable[[Formation], Formation]
    good: bool = True


@dataclass
class App:
    """An app as its users see it."""

    leader: Leader
    formation: Formation = ({}, frozenset())
    asked: deque[Ask] = field(default_factory=deque)
    going: Formation | None = None
    """What the operation under way makes of it."""
    gone: bool = False

    @property
    def running(self) -> dict[str, int]:
        return running(self.formation)


def running(formation: Formation) -> dict[str, int]:
    """The counts without what is stopped."""
    counts, stopped = formation
    return {kind: count for kind, count in counts.items() if count and kind not in stopped}


def ask_of(step: Step) -> Ask:
    """The change of an app that a step of the schedule asks for."""
    words = dict(step.words)
    if step.what == "scale":
        return Ask("scale", lambda was: ({**was[0], **words}, was[1]))
    if step.what == "stop":
        return Ask("scale", lambda was: (was[0], was[1] | {words["type"]}))
    if step.what == "start":
        return Ask("scale", lambda was: (was[0], was[1] - {words["type"]}))
    if step.what == "restart":
        return Ask("restart", lambda was: was)
    return Ask("release", lambda was: was, good=words.get("good", True))

"""What a release's copies and its route are made of: image, command, limits, whitelist. PURE."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network

from deis_control.model import Build, ConfigData, Target
from deis_control.rules import command_for, memory_bytes
from deis_control.rules.runs import entrypoint_for
from deis_control.scheduler import tuning
from deis_control.scheduler.singles import SINGLE, single_types
from deis_control.scheduler.tuning import Tuning, seconds_of, shown, tuning_of
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import HealthCheck, Placement, Route

WHITELIST = "DEIS_WHITELIST"
HEALTH_PATH = "HEALTHCHECK_URL"
HEALTH_DELAY = "HEALTHCHECK_INITIAL_DELAY"
HEALTH_TIMEOUT = "HEALTHCHECK_TIMEOUT"
LIVENESS_PATH = "HEALTHCHECK_LIVENESS_URL"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One release, as its copies and its route need it. It holds config values: never log it."""

    app: str
    release: int
    build: Build | None
    config: ConfigData

    @classmethod
    def of(cls, target: Target) -> "Blueprint":
        """The blueprint of a release as the database has it."""
        return cls(target.app.id, target.release.version, target.build, target.config.data)

    @property
    def env_name(self) -> str | None:
        """Where below the prefix of configs this one lies; None when there is nothing in it."""
        return f"{self.app}/{self.release}" if self.config.values else None

    @property
    def env(self) -> bytes:
        """The config's values as they are sealed for the agents."""
        return json.dumps(dict(self.config.values), sort_keys=True, ensure_ascii=False).encode()

    @property
    def memory(self) -> dict[str, int]:
        """Process type → bytes."""
        return {kind: memory_bytes(limit) for kind, limit in self.config.memory.items()}

    @property
    def tuning(self) -> Tuning:
        """How the app wants to be rolled out."""
        return tuning_of(self.config.values)

    @property
    def single(self) -> frozenset[str]:
        """The process types of which there must never be two copies of one number."""
        return single_types(self.config.values)[0]

    @property
    def arch(self) -> str:
        """What the image is built for; empty when that is not known."""
        return self.build.arch if self.build else ""

    def placement(
        self, copy: CopyName, *, uuid: str, created: str, grace: float, pids: int = 0
    ) -> Placement:
        """The placement of a copy; the build must be there.

        Where the app's config names none, `grace` is how many seconds a copy has to end, and
        `pids` how many processes and threads it may have (0: as many as its host bears).
        """
        assert self.build is not None
        asked, values = self.tuning, self.config.values
        return Placement(
            app=self.app,
            release=self.release,
            type=copy.type,
            num=copy.num,
            generation=copy.generation,
            uuid=uuid,
            created=created,
            image=self.build.reference or self.build.image,
            command=command_for(self.build, copy.type),
            env=self.env_name,
            memory=self.memory.get(copy.type) or None,
            cpu=self.config.cpu.get(copy.type) or None,
            health=health_of(values) if copy.routable else None,
            grace=grace if asked.grace is None else asked.grace,
            liveness=liveness_of(values) if copy.routable else None,
            runs_for=None if copy.routable else asked.worker_ready,
            pids=asked.pids or pids or None,
            tags=dict(self.config.tags),
            arch=self.arch,
            single=copy.type in self.single,
        )

    def run(
        self,
        copy: CopyName,
        *,
        uuid: str,
        created: str,
        grace: float,
        sealed: str,
        pids: int = 0,
    ) -> Placement:
        """The placement of a one-off command, `sealed` being its arguments.

        A limit that was set for the type `run` holds for it, like for every other type.
        """
        assert self.build is not None
        made = self.placement(copy, uuid=uuid, created=created, grace=grace, pids=pids)
        entrypoint = entrypoint_for(self.build)
        return replace(made, command=None, entrypoint=entrypoint, sealed=sealed, runs_for=None)

    def route(self, domains: tuple[str, ...], *, drain: float) -> Route:
        """The app's route when this release serves."""
        return Route(
            app=self.app,
            releases={str(self.release): 1} if self.build else {},
            domains=domains,
            whitelist=whitelist_of(self.config.values)[0],
            drain=drain,
        )


def health_of(values: Mapping[str, str]) -> HealthCheck | None:
    """The health check that an app's config asks for (semantics.md section 7).

    A delay or time that is no number counts as not given.
    """
    return _check(values, HEALTH_PATH, seconds_of(values.get(HEALTH_DELAY, "")) or 0)


def liveness_of(values: Mapping[str, str]) -> HealthCheck | None:
    """The liveness check that an app's config asks for; it shares the health check's time."""
    return _check(values, LIVENESS_PATH, 0)


def _check(values: Mapping[str, str], name: str, delay: float) -> HealthCheck | None:
    path = values.get(name, "").strip()
    if not path:
        return None
    timeout = seconds_of(values.get(HEALTH_TIMEOUT, ""))
    return HealthCheck(
        path=path if path.startswith("/") else f"/{path}",
        initial_delay=delay,
        timeout=1 if timeout is None else timeout,
    )


def whitelist_of(values: Mapping[str, str]) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The whitelist that an app's config asks for, and the entries in it that are none.

    The variable's presence denies everybody else (semantics.md section 16), so a list of wrong
    entries alone lets nobody in.
    """
    if WHITELIST not in values:
        return None, ()
    allowed, wrong = [], []
    for entry in (part.strip() for part in values[WHITELIST].split(",")):
        block = _block(entry)
        if block is not None:
            allowed.append(block)
        elif entry:
            wrong.append(entry)
    return tuple(dict.fromkeys(allowed)), tuple(wrong)


def complaints(values: Mapping[str, str]) -> tuple[str, ...]:
    """What an app's owner must be told about values that the platform reads."""
    _, wrong = whitelist_of(values)
    texts = [f"{WHITELIST}: {shown(entry)} is not an address or block, ignored" for entry in wrong]
    texts += [
        f"{name}: {shown(values[name])} is not a number of seconds, ignored"
        for name in (HEALTH_DELAY, HEALTH_TIMEOUT)
        if name in values and seconds_of(values[name]) is None
    ]
    _, odd = single_types(values)
    texts += [f"{SINGLE}: {shown(entry)} is not a process type, ignored" for entry in odd]
    return (*texts, *tuning.complaints(values))


def _block(entry: str) -> str | None:
    """`ip-or-cidr[:label]` as a canonical address block; None when it is none.

    An IPv6 address is tried whole first, because the label's separator occurs in it.
    """
    for text in (entry, entry.rpartition(":")[0], entry.partition(":")[0]):
        try:
            block = ip_network(text.strip(), strict=False)
        except ValueError:
            continue
        return None if "%" in text else str(block)
    return None

"""Settings of the scheduler."""

from dataclasses import dataclass

from deis_control.scheduler.liveness import LONGEST, WINDOW
from deis_control.scheduler.world import Limits
from deis_node.runtime.settings import setting


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """How the leader is elected, and how long it waits for what."""

    ttl: int = setting(4, "Seconds after which a leader that does not answer is replaced.")
    deploy_timeout: float = setting(
        60,
        "Seconds from a copy's first start to readiness, the pull of its image not counted; the "
        "app's HEALTHCHECK_INITIAL_DELAY is added. Later the deploy has failed.",
    )
    pickup_timeout: float = setting(
        60, "Seconds until a host has taken up a copy, and until there is a host that can."
    )
    pull_timeout: float = setting(1200, "Seconds for the pull of a copy's image.")
    acknowledge_timeout: float = setting(
        10, "Seconds for a live router to serve a change before the rollout goes on without it."
    )
    router_memory: float = setting(
        30, "Seconds for which a router that is gone still holds old copies back."
    )
    drain: float = setting(
        30, "Seconds that requests in flight may take before a withdrawn copy is stopped."
    )
    grace: float = setting(30, "Seconds between SIGTERM and SIGKILL.")
    pids_limit: int = setting(
        4096,
        "Processes and threads that a copy may have where its app's DEIS_PIDS_LIMIT says nothing; "
        "0: as many as its host bears. Copies that are there already keep what they have.",
    )
    stop_timeout: float = setting(
        60, "Seconds for the hosts to end the copies of an app that is destroyed."
    )
    run_timeout: float = setting(
        1200, "Seconds that a one-off command may wait for a host, and may then run."
    )
    prefetch: int = setting(
        2,
        "Hosts that fetch the image of an app's live release beforehand, beside those that run "
        "it; 0: none.",
    )
    host_ttl: float = setting(
        10,
        "Seconds after which a silent host counts as lost, as the agents' `node.lease_ttl` says. "
        "Copies of a single type are made again three times as long, and their grace, after a "
        "loss; agents end them twice their own TTL after the store's last word.",
    )
    separate: tuple[str, ...] = setting(
        (),
        "Roles of hosts that take no copies while another host fits, such as `router` and "
        "`control`.",
    )
    swarm_managers: tuple[str, ...] = setting(
        (),
        "URLs of the Docker Engines of managers of the Docker Swarm that copies are placed with "
        "when the platform setting `scheduler/engine` says `swarm`. The first is asked, and when "
        "it does not answer the next, in turn; empty: there is none.",
    )
    swarm_platform: str = setting(
        "",
        "What the label deis.platform says on services and containers there, as the agents' "
        "`node.platform_id`; needed beside `scheduler.swarm_managers`.",
    )
    poll: float = setting(1.0, "Seconds between two looks at the operations when no hint comes.")
    look: float = setting(10.0, "Seconds between two looks at every app when nothing changes.")

    @property
    def has_swarm(self) -> bool:
        """Whether there is a Docker Swarm to place copies with."""
        return bool(self.swarm_managers and self.swarm_platform)

    def limits(self) -> Limits:
        """The same for the planner."""
        return Limits(
            deploy=self.deploy_timeout,
            pickup=self.pickup_timeout,
            pull=self.pull_timeout,
            acknowledge=self.acknowledge_timeout,
            forget=self.router_memory,
            drain=self.drain,
            stop=self.stop_timeout,
            host_ttl=self.host_ttl,
            lost=LONGEST + WINDOW * self.host_ttl + self.grace + self.pickup_timeout,
            separate=self.separate,
            swarm=self.has_swarm,
        )

"""Settings of the publisher."""

from dataclasses import dataclass

from deis_node.runtime.settings import setting


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """How copies are asked whether they are ready, and how often that is told."""

    first: float = setting(0.05, "Seconds between the first two questions to a starting copy.")
    longest: float = setting(1.0, "Seconds that this pause grows to.")
    recheck: float = setting(10.0, "Seconds between two health checks of a ready copy.")
    failures: int = setting(3, "Failed health checks in a row that make a copy not ready.")
    liveness: float = setting(10.0, "Seconds between two liveness checks of a copy.")
    liveness_again: float = setting(
        3.0, "Seconds before another liveness check of a copy that failed one."
    )
    liveness_failures: int = setting(
        3, "Failed liveness checks in a row after which a copy is made to start again."
    )
    connect: float = setting(1.0, "Seconds that a copy without health check may take to accept.")
    settle: float = setting(1.0, "Seconds that a copy without a port must run to be ready.")
    write_gap: float = setting(5.0, "Seconds between two writes about a copy, if nothing hurries.")
    verify: float = setting(600.0, "Seconds between two comparisons with what etcd holds.")

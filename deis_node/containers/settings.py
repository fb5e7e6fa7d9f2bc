"""Settings of the runner."""

from dataclasses import dataclass

from deis_node.runtime.settings import setting


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """How this host runs its containers."""

    port_low: int = setting(20000, "Lowest host port that a container is published on.")
    port_high: int = setting(32767, "Highest host port that a container is published on.")
    port_quarantine: float = setting(
        3600.0, "Seconds before a freed host port may be given to another app."
    )
    start_at_once: int = setting(
        0,
        "Containers that are made and started at the same time; 0: two for each processor.",
    )
    start_patience: float = setting(
        20.0, "Seconds after which a container is started though that many are being started."
    )
    restart_first: float = setting(0.1, "Seconds before the first restart of an ended container.")
    restart_longest: float = setting(30.0, "Seconds that the pause before a restart grows to.")
    restart_steady: float = setting(
        60.0, "Seconds that a container must run for its earlier exits to be forgotten."
    )
    hang_grace: float = setting(
        5.0,
        "Seconds between SIGTERM and SIGKILL for a copy that failed its liveness check, unless its "
        "own grace is shorter.",
    )
    crash_count: int = setting(5, "Exits within the window that make a copy count as crashed.")
    crash_window: float = setting(60.0, "Seconds in which these exits are counted.")
    crash_pause: float = setting(60.0, "Seconds between two tries of a crashed copy.")
    failure_first: float = setting(
        1.0, "Seconds before another try to make a container that could not be made."
    )
    failure_longest: float = setting(60.0, "Seconds that this pause grows to.")
    pull_longest: float = setting(
        10.0, "Seconds that the pause between two tries to fetch an image grows to."
    )
    pull_patience: float = setting(
        20.0, "Seconds for which an image may be out of reach before its copies count as failed."
    )
    default_grace: float = setting(
        30.0, "Seconds between SIGTERM and SIGKILL for a container that lost its placement."
    )
    boot_wait: float = setting(
        60.0, "Seconds after the host's boot to wait for etcd before the saved state is used."
    )
    saved_age: float = setting(
        86400.0, "Seconds after which saved state is too old to start containers from."
    )
    sweep: float = setting(60.0, "Seconds between two looks at all containers.")
    exit_lines: int = setting(20, "Last log lines that are kept of an ended container.")
    log_wait: float = setting(
        5.0, "Seconds that the removal of a container may wait for its log to be read."
    )
    log_size: str = setting("50m", "Size at which the Docker Engine rotates a container's log.")
    log_files: int = setting(2, "Log files that the Docker Engine keeps of a container.")
    run_output: int = setting(
        4 * 1024 * 1024, "Bytes that are kept of what a one-off command wrote, its last ones."
    )
    prefetch_free: float = setting(
        20.0,
        "Percent of the disk with Docker's images that must be free for images to be fetched "
        "before copies need them.",
    )
    clean_every: float = setting(3600.0, "Seconds between two cleanings of unused images.")
    image_hours: float = setting(72.0, "Hours that an image is kept after its last use.")

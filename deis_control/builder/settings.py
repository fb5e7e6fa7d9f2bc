"""Settings of the builder."""

from dataclasses import dataclass
from pathlib import Path

from deis_node.runtime.settings import setting


@dataclass(frozen=True, slots=True)
class BuilderSettings:
    """Where pushes are received, and the bounds of a push."""

    address: str = setting("127.0.0.1:2222", "`address:port` that SSH is listened on.")
    state_dir: Path = setting(
        Path("/var/lib/deis/builder"),
        "Directory of host keys (worth keeping) and repositories (a cache).",
    )
    max_connections: int = setting(500, "How many SSH connections may be open at once.")
    max_logins: int = setting(100, "How many of them may be without a login yet.")
    login_grace: float = setting(30.0, "Seconds that a login may take.")
    idle_timeout: float = setting(
        60.0, "Seconds after which a connection that runs nothing is closed."
    )
    keepalive: float = setting(
        15.0, "Seconds of silence after which a client is asked whether it is there."
    )
    keepalive_misses: int = setting(
        8, "How many such questions in a row may stay without an answer."
    )
    heartbeat: float = setting(
        15.0, "Seconds of silence after which a push shows a sign of life on the screen."
    )
    transfer_timeout: float = setting(3600.0, "Seconds that a client may take to send a push.")
    push_bytes: int = setting(4 * 1024**3, "Largest pack that is taken, in bytes.")
    build_timeout: float = setting(3600.0, "Seconds that the build of an image may take.")
    registry_patience: float = setting(
        20.0, "Seconds for which sending an image is tried again while the registry is away."
    )
    deploy_timeout: float = setting(
        3600.0, "Seconds that a push waits for its rollout; the rollout itself goes on after it."
    )

    def __post_init__(self) -> None:
        """ValueError when a bound is senseless."""
        if min(self.max_connections, self.max_logins, self.keepalive_misses) < 1:
            raise ValueError("max_connections, max_logins and keepalive_misses must be at least 1")
        if min(self.login_grace, self.idle_timeout, self.keepalive, self.heartbeat) <= 0:
            raise ValueError("login_grace, idle_timeout, keepalive and heartbeat must be above 0")

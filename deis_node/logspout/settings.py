"""Settings of logspout."""

from dataclasses import dataclass

from deis_node.runtime.settings import setting


@dataclass(frozen=True, slots=True)
class LogspoutSettings:
    """How much may wait for the logger."""

    buffer_lines: int = setting(
        10_000, "Lines kept until they are acknowledged; beyond it no container's log is read."
    )
    buffer_bytes: int = setting(8 << 20, "The same bound in bytes.")
    coalesce: float = setting(0.005, "Least time in seconds between two sends to the logger.")
    patience: float = setting(
        15.0, "Seconds that an acknowledgement may take before another connection is tried."
    )
    save_interval: float = setting(1.0, "Seconds between two saves of the cursor file.")

    def __post_init__(self) -> None:
        """ValueError when a bound is senseless."""
        if self.buffer_lines < 1 or self.buffer_bytes < 1 or self.patience <= 0:
            raise ValueError("buffer_lines, buffer_bytes and patience must be positive")

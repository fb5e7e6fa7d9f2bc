"""Settings of the logger."""

from dataclasses import dataclass
from pathlib import Path

from deis_node.runtime.settings import setting


@dataclass(frozen=True, slots=True)
class LoggerSettings:
    """Where lines are received, kept and asked for."""

    directory: Path = setting(Path("/var/lib/deis/logs"), "Directory that holds one file per app.")
    tcp: str = setting(
        "127.0.0.1:0",
        "`address:port` for RFC 5424 over TCP with acknowledgement; port 0 picks a free one.",
    )
    udp: str = setting(
        "127.0.0.1:0",
        "`address:port` for datagrams in Deis v1's form; empty: none are received.",
    )
    http: str = setting(
        "127.0.0.1:0", "`address:port` for queries; whoever reaches it may read and delete."
    )
    segment_bytes: int = setting(
        10_000_000, "Size in bytes at which an app's file is put aside and a new one begins."
    )
    segments: int = setting(2, "How many files of an app are kept, the one written to included.")
    open_files: int = setting(256, "How many files are kept open for writing.")
    sync_interval: float = setting(
        0.1, "Seconds from one flush to disk to the next; an acknowledgement waits for it."
    )
    connections: int = setting(1000, "How many TCP connections may be open at once.")

    def __post_init__(self) -> None:
        """ValueError when a bound is senseless."""
        if self.segment_bytes < 1 or self.segments < 1 or self.open_files < 1:
            raise ValueError("segment_bytes, segments and open_files must be at least 1")
        if self.sync_interval < 0:
            raise ValueError("sync_interval must not be negative")

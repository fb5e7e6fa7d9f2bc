"""How a process reaches etcd; the same section in every process' settings."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from deis_node.cluster.etcd import Etcd
from deis_node.runtime.settings import setting


@dataclass(frozen=True, slots=True)
class EtcdSettings:
    """How etcd is reached."""

    endpoints: tuple[str, ...] = setting(
        ("http://127.0.0.1:2379",), "URLs of the members; one that does not answer is passed over."
    )
    username: str = setting("", "Name of this process' user in etcd; empty without authentication.")
    password: str = setting("", "That user's password.", secret=True)
    ca_file: Path | None = setting(None, "Certificates that a member's certificate is checked by.")
    timeout: float = setting(
        1.5,
        "Seconds for one try of a call, up to four times as many while no member answers sooner; "
        "two of them must fit into every lease's TTL.",
    )


def open_etcd(settings: EtcdSettings) -> Etcd:
    """A client by these settings, to be entered as a context manager."""
    tls = None
    if settings.ca_file is not None:
        tls = ssl.create_default_context(cafile=str(settings.ca_file))
    return Etcd(
        settings.endpoints,
        username=settings.username or None,
        password=settings.password or None,
        tls=tls,
        timeout=settings.timeout,
    )

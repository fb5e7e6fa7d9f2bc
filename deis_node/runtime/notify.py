"""Telling systemd how we are: sd_notify in a few lines, see sd_notify(3)."""

import os
import socket

import structlog

log = structlog.get_logger()


def notify(state: str) -> bool:
    """Send a state (`READY=1`, `STOPPING=1`, `STATUS=...`); False when nobody listens.

    The address is `$NOTIFY_SOCKET`; without it the process was not started by a supervisor that
    wants to know. Never blocks and never raises.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            channel.sendto(state.encode(), address)
    except OSError as err:
        log.warning("supervisor not notified", state=state, error=str(err))
        return False
    return True

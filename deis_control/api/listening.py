"""The sockets of an address that is listened on: one for each IP address of a host name."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

_DEADLINE = 10.0
"""Seconds for the name service."""
_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


@dataclass(frozen=True, slots=True)
class Place:
    """An IP address and a port."""

    family: socket.AddressFamily
    host: str
    port: int

    def __str__(self) -> str:
        """`ip:port`, with an IPv6 address in brackets."""
        host = f"[{self.host}]" if self.family is socket.AF_INET6 else self.host
        return f"{host}:{self.port}"


async def resolve(address: str) -> tuple[Place, ...]:
    """The places that `host:port` means, each once; the host is a name or an IP address.

    OSError when nobody knows the name, or does not say so in time; ValueError for no such text.
    """
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_DEADLINE):
        found = await loop.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    places = (Place(socket.AddressFamily(item[0]), *item[4][:2]) for item in found)
    return tuple(dict.fromkeys(places))


def listen(places: Sequence[Place], backlog: int) -> list[socket.socket]:
    """A listening socket for each place; a port that is 0 is the same for all.

    A name may have addresses that this host has not, such as one of IPv6 where there is none: they
    are passed over as long as one is left. OSError else, and then none stays open.
    """
    made: list[socket.socket] = []
    try:
        for number, place in enumerate(places, 1):
            port = place.port or (made[0].getsockname()[1] if made else 0)
            try:
                where = (place.host, port)
                made.append(socket.create_server(where, family=place.family, backlog=backlog))
            except OSError as err:
                if err.errno not in _NOT_HERE or (number == len(places) and not made):
                    raise
    except OSError:
        for one in made:
            one.close()
        raise
    return made

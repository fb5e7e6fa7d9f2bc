"""Rows of the shared table as text, in the form that lua/table.lua takes apart. PURE.

A row is five words: kind, name, who may come in, the peers, the peers of last resort.

    app hello * 100=10.0.0.1:20000,10.0.0.2:20000 -
    controller deis 0a000000/8 1=10.0.0.1:8000 -

Guests are `*` (all), `-` (none) or networks as hexadecimal bytes and bits; peers are groups
`weight=address,address` with `;` between them, or `-`.
"""

from collections.abc import Sequence
from enum import StrEnum

from deis_node.router.values import Network

Group = tuple[int, Sequence[str]]
"""A weight above 0, and the addresses that share it; never an empty group."""


class Kind(StrEnum):
    """Who answers for a row."""

    APP = "app"
    CONTROLLER = "controller"


def label_key(label: str) -> str:
    """The key of the row that answers at `<label>.<anything>`."""
    return f"l:{label}"


def domain_key(domain: str, *, weak: bool) -> str:
    """The key of a custom domain; a weak one is asked for only when no label answers."""
    return f"{'w' if weak else 'd'}:{domain}"


def row(
    kind: Kind,
    name: str,
    guests: Sequence[Network] | None,
    first: Sequence[Group] = (),
    last: Sequence[Group] = (),
) -> str:
    """One row; `last` are the peers that are used when no other is left."""
    return " ".join((kind, name, _guests(guests), _tier(first), _tier(last)))


def _guests(guests: Sequence[Network] | None) -> str:
    if guests is None:
        return "*"
    nets = (f"{net.network_address.packed.hex()}/{net.prefixlen}" for net in guests)
    return ",".join(nets) or "-"


def _tier(groups: Sequence[Group]) -> str:
    return ";".join(f"{weight}={','.join(addresses)}" for weight, addresses in groups) or "-"

"""Published ports that go on answering while the Docker Engine starts again beside its containers.

An engine that starts with containers alive (`--live-restore`) empties its chains of the packet
filter first and fills them again some tenths of a second later; whoever connects in between is
refused. So the rules of its ports are copied into a chain of our own before it starts, and that
chain is removed as soon as the engine answers, which is before any container can change.
"""

from deis_cli.deisctl.local.network import INSIDE, EngineNetwork
from deis_cli.deisctl.local.programs import output_of, run

CHAIN = "DEIS-HOLD"
BRIDGE = "docker0"


def hold_ports(network: EngineNetwork) -> bool:
    """Copy the rules of published ports; False when there are none. LocalError."""
    held = _rules(network, CHAIN)
    rules = held_rules(_rules(network, "DOCKER"), held)
    if rules:
        _restore(network, (removal() if _exists(network) else "") + addition(rules))
    return bool(rules)


def release_ports(network: EngineNetwork) -> None:
    """Remove the copies; connections that they let in go on. LocalError."""
    if _exists(network):
        _restore(network, removal())


def held_rules(docker: str, held: str) -> tuple[str, ...]:
    """The rules to hold, from what `iptables -t nat -S` says of the engine's chain and of ours.

    Ours has some when an engine died before it had filled its own again. A port that both know
    goes where the engine says.
    """
    by_port: dict[str, str] = {}
    for line in (*held.splitlines(), *docker.splitlines()):
        match, jump, target = line.partition(" -j DNAT --to-destination ")
        if jump and match.startswith("-A "):
            by_port[match.split(" ", 2)[2]] = target
    return tuple(
        f"-A {CHAIN} {match} -j DNAT --to-destination {by_port[match]}" for match in by_port
    )


def addition(rules: tuple[str, ...]) -> str:
    """What `iptables-restore` is told to hold these rules, ahead of the engine's own."""
    return "\n".join(
        (
            "*nat",
            f":{CHAIN} - [0:0]",
            *rules,
            f"-I PREROUTING 1 -j {CHAIN}",
            f"-I OUTPUT 1 -j {CHAIN}",
            "COMMIT",
            "*filter",
            f":{CHAIN} - [0:0]",
            f"-A {CHAIN} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            f"-A {CHAIN} -i {INSIDE} -o {BRIDGE} -m conntrack --ctstate DNAT -j ACCEPT",
            f"-A {CHAIN} -i {BRIDGE} -o {BRIDGE} -m conntrack --ctstate DNAT -j ACCEPT",
            f"-I FORWARD 1 -j {CHAIN}",
            "COMMIT\n",
        )
    )


def removal() -> str:
    """What `iptables-restore` is told to forget them."""
    return "\n".join(
        (
            "*nat",
            f"-D PREROUTING -j {CHAIN}",
            f"-D OUTPUT -j {CHAIN}",
            f"-F {CHAIN}",
            f"-X {CHAIN}",
            "COMMIT",
            "*filter",
            f"-D FORWARD -j {CHAIN}",
            f"-F {CHAIN}",
            f"-X {CHAIN}",
            "COMMIT\n",
        )
    )


def _exists(network: EngineNetwork) -> bool:
    return bool(_rules(network, CHAIN))


def _rules(network: EngineNetwork, chain: str) -> str:
    """A chain of the nat table; empty when there is none."""
    return output_of(network.enter(["iptables", "-w", "5", "-t", "nat", "-S", chain]))


def _restore(network: EngineNetwork, text: str) -> None:
    run(network.enter(["iptables-restore", "--noflush", "-w", "5"]), stdin=text)

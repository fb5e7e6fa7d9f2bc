"""The Docker Swarm of a home's hosts: made when it is new, and joined by whoever is not in it.

The hosts that have a member of etcd are its managers: of three, one may be lost. Its parts talk to
each other over the fabric.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Sequence
from typing import Any

from deis_cli.deisctl import config
from deis_cli.deisctl.local.engine import connected
from deis_cli.deisctl.local.errors import StepFailed
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.sites import Site, etcd_endpoints, sites
from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, EtcdError
from deis_node.cluster.records import READY_NODE, SWARM, SwarmNodes
from deis_node.cluster.settings import EtcdSettings, open_etcd

PORT = 2377
"""Where managers are joined; Docker's own choice."""
PATIENCE = 60.0
"""Seconds for an engine to do one thing, and for a node to be one."""


def form_swarm(home: Home, choices: Choices) -> None:
    """Have every host be a node; the first time the setting of the engine is written as well.

    StepFailed. Whatever of it was done before is left as it is.
    """
    every = sites(home, choices)
    joined = [site for site in every if _state(site) != "inactive"]
    if not joined:
        _ask(every[0], "POST", "swarm/init", _listening(every[0]))
        joined = [every[0]]
    for site in joined:
        _await_active(site)
    manager = next(site for site in joined if site.member)
    tokens = _ask(manager, "GET", "swarm")["JoinTokens"]
    for site in (site for site in every if site not in joined):
        token = tokens["Manager" if site.member else "Worker"]
        there = {"RemoteAddrs": [f"{manager.address}:{PORT}"], "JoinToken": token}
        _ask(site, "POST", "swarm/join", _listening(site) | there)
        _await_active(site)
    try:
        asyncio.run(_choose_engine(every, choices))
    except EtcdError as err:
        raise StepFailed(f"etcd did not take the setting of the engine: {err}") from err


async def _choose_engine(every: Sequence[Site], choices: Choices) -> None:
    """Copies are the Swarm's, unless an operator has said something else. StepFailed, EtcdError.

    Until the leader has noted that a host is a node, it refuses to place a copy there.
    """
    endpoints = etcd_endpoints(every, every[0], choices.etcd_port)
    async with open_etcd(EtcdSettings(endpoints=tuple(endpoints))) as etcd:
        if await etcd.get(keys.setting("scheduler", "engine")) is not None:
            return
        await config.set_all(etcd, "scheduler", [f"engine={SWARM}"])
        deadline = time.monotonic() + PATIENCE
        while missing := await _not_ready(etcd, every):
            if time.monotonic() > deadline:
                names = ", ".join(missing)
                raise StepFailed(f"deis-control does not know that these are nodes: {names}.")
            await asyncio.sleep(0.1)


async def _not_ready(etcd: Etcd, every: Sequence[Site]) -> list[str]:
    """The hosts that the leader has not noted as nodes that take copies. EtcdError."""
    found = await etcd.get(keys.SWARM)
    noted = SwarmNodes.from_bytes(found.value).nodes if found is not None else {}
    return [site.name for site in every if noted.get(site.name) != READY_NODE]


def _listening(site: Site) -> dict[str, Any]:
    return {"ListenAddr": f"{site.address}:{PORT}", "AdvertiseAddr": site.address}


def _state(site: Site) -> str:
    """What an engine says of itself: `inactive`, `pending`, `active`, `error`, `locked`."""
    return str(_ask(site, "GET", "info")["Swarm"]["LocalNodeState"])


def _await_active(site: Site) -> None:
    deadline = time.monotonic() + PATIENCE
    while (state := _state(site)) != "active":
        if time.monotonic() > deadline:
            raise StepFailed(f"The Docker Engine of {site.name} is no node: it is {state}.")
        time.sleep(0.05)


def _ask(site: Site, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One question to a host's engine; StepFailed with its own words. Tokens are in bodies."""
    assert site.engine is not None, "each of several hosts has its own engine"
    connection = http.client.HTTPConnection("docker", timeout=PATIENCE)
    connection.sock = connected(site.engine.socket, PATIENCE)
    failed = f"The Docker Engine of {site.name} did not do {method} /{path}"
    if connection.sock is None:
        raise StepFailed(f"{failed}: nobody listens.")
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, f"/{path}", json.dumps(body or {}), headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            text = json.loads(said)["message"]
            raise StepFailed(f"{failed}: {text}")
        return json.loads(said) if said.strip() else None
    except (OSError, ValueError, LookupError, http.client.HTTPException) as err:
        raise StepFailed(f"{failed}: {err}") from err
    finally:
        connection.close()

"""`deisctl hosts` over real HTTP against the API, by the login of `deis`."""

import asyncio
import json
from dataclasses import replace

import pytest

from deis_node.cluster import keys
from deis_node.cluster.records import HostConf
from tests.fixtures.command_line import DEIS, Deis
from tests.fixtures.control import Api, Client
from tests.fixtures.waiting import eventually
from tests.worlds import make_copy, make_placed


@pytest.fixture
async def deisctl(api: Api, admin: Client, deis: Deis) -> Deis:
    """The operator's command line, logged in as the superuser."""
    await deis.ok("login", api.anonymous.url, "--username=admin", DEIS_PASSWORD="secret")
    return replace(deis, program=DEIS.with_name("deisctl"))


def place(api: Api, host: str, *nums: int) -> None:
    for num in nums:
        copy = make_copy(num=num)
        placed = make_placed(copy, host=host, memory=512 << 20)
        api.leader.cluster.store.put(keys.placement(host, copy.container), placed.placement)


def take_away(api: Api, host: str, num: int) -> None:
    key = keys.placement(host, make_copy(num=num).container)
    del api.leader.cluster.store.items[key]


async def test_the_list_says_what_each_host_is_and_carries(api: Api, deisctl: Deis) -> None:
    place(api, "host-1", 1, 2)
    assert await deisctl.ok("hosts", "list") == (
        "=== Hosts\n"
        "host-1\tready\t-\t2\t0/4\t1G/8G\tamd64\trouter\tdisk=ssd\n"
        "host-2\tready\t-\t0\t0/4\t0/8G\tamd64\trouter\tdisk=ssd\n"
    )
    found = json.loads(await deisctl.ok("hosts", "list", "--json"))
    assert [host["name"] for host in found] == ["host-1", "host-2"]


async def test_cordon_and_drain_are_seen_in_the_list(deisctl: Deis) -> None:
    assert await deisctl.ok("hosts", "cordon", "host-1") == "Cordoning host-1... done\n"
    assert await deisctl.ok("hosts", "drain", "host-2") == "Draining host-2... done\n"
    rows = (await deisctl.ok("hosts", "list")).splitlines()[1:]
    assert [row.split("\t")[1] for row in rows] == ["cordoned", "draining"]
    await deisctl.ok("hosts", "uncordon", "host-1")
    await deisctl.ok("hosts", "undrain", "host-2")
    rows = (await deisctl.ok("hosts", "list")).splitlines()[1:]
    assert [row.split("\t")[1] for row in rows] == ["ready", "ready"]


async def test_a_drain_is_followed_until_the_host_is_empty(api: Api, deisctl: Deis) -> None:
    place(api, "host-1", 1, 2)

    async def leave() -> None:
        await eventually(draining)
        take_away(api, "host-1", 1)
        take_away(api, "host-1", 2)

    async def draining() -> bool:
        found = await api.leader.cluster.get(keys.hostconf("host-1"))
        return found is not None and HostConf.from_bytes(found.value).draining

    ran, _ = await asyncio.gather(deisctl("hosts", "drain", "host-1", "--wait"), leave())
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("Draining host-1... done\n")
    assert ran.out.endswith("host-1 is empty\n")


WAITS = (
    "hello web.1: host-1 is being drained; no host takes web.1: host-1 is being drained; "
    "host-2 is cordoned"
)


async def test_a_drain_that_takes_too_long_goes_on_and_says_why(
    api: Api, deisctl: Deis, built_app: str
) -> None:
    place(api, "host-1", 1)
    await deisctl.ok("hosts", "cordon", "host-2")
    ran = await deisctl("hosts", "drain", "host-1", "--wait", "--timeout=0")
    assert ran.status == 1
    assert ran.out == "Draining host-1... done\nhost-1: 1 copy left\n"
    assert ran.err == f"Error: host-1 still has 1 copy; the drain goes on.\n{WAITS}\n"
    assert f"waits:      {WAITS}\n" in await deisctl.ok("hosts", "info", "host-1")


async def test_a_drain_tells_once_why_a_copy_does_not_get_on(
    api: Api, deisctl: Deis, built_app: str
) -> None:
    place(api, "host-1", 1)
    await deisctl.ok("hosts", "cordon", "host-2")
    ran = await deisctl("hosts", "drain", "host-1", "--wait", "--timeout=6")
    assert ran.out.splitlines()[2:] == [f"  {WAITS}"]


async def test_tags_are_set_removed_and_shown(deisctl: Deis) -> None:
    shown = await deisctl.ok("hosts", "tags", "host-1", "zone=z1", "disk-")
    assert shown == "Tagging host-1... done\n=== host-1 Tags\nzone      z1\n"
    assert await deisctl.ok("hosts", "tags", "host-1") == "=== host-1 Tags\nzone      z1\n"
    info = await deisctl.ok("hosts", "info", "host-1")
    assert "zone:       z1\n" in info
    ran = await deisctl("hosts", "tags", "host-1", "zone")
    assert (ran.status, ran.err[:34]) == (1, "Error: zone is neither KEY=VALUE n")


async def test_a_rebalance_is_planned_and_made(api: Api, deisctl: Deis, built_app: str) -> None:
    assert await deisctl.ok("hosts", "rebalance") == "Nothing to move.\n"
    place(api, "host-1", 1, 2, 3)
    move = "hello web.3: host-1 → host-2 (web has 3 copies on host-1 and 0 on host-2)\n"
    assert await deisctl.ok("hosts", "rebalance", "--plan") == f"{move}1 move planned.\n"
    assert await deisctl.ok("hosts", "rebalance") == f"{move}1 move under way.\n"


async def test_a_host_that_is_gone_is_forgotten(api: Api, deisctl: Deis) -> None:
    api.leader.cluster.store.put(keys.hostconf("host-9"), HostConf(cordoned=True))
    assert await deisctl.ok("hosts", "forget", "host-9") == "Forgetting host-9... done\n"
    ran = await deisctl("hosts", "forget", "host-9")
    assert ran.status == 1
    assert ran.err == (
        "Error: \n404 NOT FOUND\ndetail: Not found\n`deisctl hosts list` shows all hosts.\n"
    )


async def test_others_than_administrators_are_refused(
    api: Api, deisctl: Deis, deis: Deis, bob: Client
) -> None:
    await deis.ok("login", api.anonymous.url, "--username=bob", DEIS_PASSWORD="secret")
    ran = await deisctl("hosts", "list")
    assert (ran.status, ran.err.splitlines()[1]) == (1, "403 FORBIDDEN")

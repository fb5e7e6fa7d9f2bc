"""Hosts over HTTP: what an operator sees and says of them."""

from dataclasses import replace
from typing import Any

from deis_node.cluster import keys
from deis_node.cluster.records import Address, HostConf, PlacementState
from tests.fixtures.control import Api, Client
from tests.worlds import make_copy, make_placed

HOSTS = "/v1/hosts/"


def place(api: Api, host: str, num: int, state: PlacementState = PlacementState.RUN) -> None:
    """Put a copy of bob's app on a host."""
    copy = make_copy(num=num)
    placed = make_placed(copy, host=host, state=state, memory=1 << 20, cpu=512)
    api.leader.cluster.store.put(keys.placement(host, copy.container), placed.placement)


async def patch(client: Client, host: str, body: Any) -> Any:
    answer = await client.call("PATCH", f"{HOSTS}{host}/", body)
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_host_is_shown_with_what_it_has_and_carries(api: Api, admin: Client) -> None:
    place(api, "host-1", 1)
    answer = await admin.get(f"{HOSTS}host-1/")
    assert (answer.status, answer.json) == (
        200,
        {
            "name": "host-1",
            "address": "10.0.0.1",
            "alive": True,
            "cordoned": False,
            "draining": False,
            "tags": {"disk": "ssd"},
            "zone": "",
            "arch": "amd64",
            "cpus": 4,
            "cpus_reserved": 0.5,
            "memory": 8 << 30,
            "memory_reserved": 1 << 20,
            "copies": 1,
            "roles": ["router"],
            "agent_version": "2.0.0",
        },
    )


async def test_hosts_come_in_pages_by_name(admin: Client) -> None:
    page = (await admin.get(f"{HOSTS}?page_size=1&page=2")).json
    assert (page["count"], [host["name"] for host in page["results"]]) == (2, ["host-2"])
    assert (await admin.get(f"{HOSTS}?page=7")).status == 404
    assert (await admin.get(f"{HOSTS}host-7/")).status == 404
    assert (await admin.call("PATCH", f"{HOSTS}host-7/", {"cordoned": True})).status == 404


async def test_a_host_that_is_gone_is_listed_while_something_of_it_is_left(
    api: Api, admin: Client
) -> None:
    place(api, "host-3", 1)
    found = (await admin.get(f"{HOSTS}host-3/")).json
    assert (found["alive"], found["copies"], found["address"]) == (False, 1, None)


async def test_an_operators_tags_win_until_they_are_taken_back(admin: Client) -> None:
    changed = await patch(admin, "host-1", {"tags": {"disk": "hdd", "zone": "eu-1"}})
    assert (changed["tags"], changed["zone"]) == ({"disk": "hdd", "zone": "eu-1"}, "eu-1")
    assert (await admin.get(f"{HOSTS}host-1/")).json == changed
    changed = await patch(admin, "host-1", {"tags": {"disk": None, "zone": None}})
    assert changed["tags"] == {}, "also the host's own"
    assert (await admin.get(f"{HOSTS}host-1/")).json["tags"] == {}


async def test_cordon_and_drain_stay_until_they_are_taken_back(api: Api, admin: Client) -> None:
    assert (await patch(admin, "host-1", {"cordoned": True}))["cordoned"]
    changed = await patch(admin, "host-1", {"draining": True})
    assert (changed["cordoned"], changed["draining"]) == (True, True)
    await patch(admin, "host-1", {"cordoned": False, "draining": False})
    assert await api.leader.cluster.get(keys.hostconf("host-1")) is None


async def test_each_change_is_one_line_of_the_audit_trail(admin: Client) -> None:
    await patch(admin, "host-1", {"cordoned": True})
    await patch(admin, "host-1", {"cordoned": True})
    lines = (await admin.get("/v1/audit/?action=host.change")).json["results"]
    nothing = {"tags": {}, "cordoned": False, "draining": False}
    told = [(line["target"], line["before"], line["after"]) for line in lines]
    assert told == [("host-1", nothing, nothing | {"cordoned": True})]


async def test_what_is_left_of_a_host_that_is_gone_is_forgotten(api: Api, admin: Client) -> None:
    api.leader.cluster.store.put(keys.hostconf("host-3"), HostConf(draining=True))
    place(api, "host-3", 1, PlacementState.STOP)
    assert (await admin.delete(f"{HOSTS}host-3/")).status == 204
    assert (await admin.get(f"{HOSTS}host-3/")).status == 404
    (line,) = (await admin.get("/v1/audit/?action=host.change")).json["results"]
    assert (line["target"], line["after"]) == ("host-3", {"forgotten": True})


async def test_where_a_host_that_is_gone_answered_is_forgotten_too(api: Api, admin: Client) -> None:
    store = api.leader.cluster.store
    addresses = (keys.controller_host("host-3"), keys.logs_host("host-3"))
    for key in addresses:
        store.put(key, Address("10.0.0.3:8000"))
    owed = keys.log_deleted("host-3", "hello")
    store.items[owed] = replace(store.items[addresses[0]], key=owed, value=b"")
    store.put(keys.logs_host("host-1"), Address("10.0.0.1:8000"))
    assert (await admin.delete(f"{HOSTS}host-3/")).status == 204
    assert not store.items.keys() & {*addresses, owed}
    assert keys.logs_host("host-1") in store.items
    assert (await admin.delete(f"{HOSTS}host-3/")).status == 404


async def test_a_host_that_is_needed_is_not_forgotten(api: Api, admin: Client) -> None:
    alive = await admin.delete(f"{HOSTS}host-1/")
    assert (alive.status, alive.json["detail"][:16]) == (409, "host-1 is alive:")
    place(api, "host-3", 1)
    answer = await admin.delete(f"{HOSTS}host-3/")
    assert answer.status == 409
    assert answer.json == {"detail": "host-3 still has copies: hello_v2.web.1"}
    assert (await admin.get("/v1/audit/?action=host.change")).json["count"] == 0


async def test_a_rebalance_is_told_or_asked_for(api: Api, admin: Client, built_app: str) -> None:
    for num in (1, 2, 3):
        place(api, "host-1", num)
    told = await admin.post(f"{HOSTS}rebalance/?dry_run=true")
    move = {
        "app": "hello",
        "process": "web.3",
        "container": "hello_v2.web.3",
        "from": "host-1",
        "to": "host-2",
        "why": "web has 3 copies on host-1 and 0 on host-2",
    }
    assert (told.status, told.json) == (200, {"dry_run": True, "moves": [move], "more": False})
    assert await api.leader.cluster.confs.moves() == {}
    asked = await admin.post(f"{HOSTS}rebalance/")
    assert (asked.status, asked.json["moves"]) == (200, [move])
    (found,) = (await api.leader.cluster.confs.moves()).items()
    assert (found[0], found[1].to) == (make_copy(num=3), "host-2")
    (line,) = (await admin.get("/v1/audit/?action=host.rebalance")).json["results"]
    assert line["after"] == {"hello_v2.web.3": "host-1 → host-2"}
    again = await admin.post(f"{HOSTS}rebalance/")
    assert again.json["moves"] == [], "what is on its way is not moved again"


async def test_an_app_moves_only_where_its_tags_allow_it(
    api: Api, admin: Client, bob: Client, built_app: str
) -> None:
    await bob.post(f"{built_app}/config/", {"tags": {"disk": "ssd"}})
    await patch(admin, "host-2", {"tags": {"disk": None}})
    for num in (1, 2, 3):
        place(api, "host-1", num)
    assert (await admin.post(f"{HOSTS}rebalance/?dry_run=true")).json["moves"] == []


async def test_a_hosts_copies_are_listed_with_what_they_wait_for(
    api: Api, admin: Client, built_app: str
) -> None:
    place(api, "host-1", 1)
    place(api, "host-1", 2, PlacementState.STOP)
    place(api, "host-2", 3)
    await patch(admin, "host-1", {"draining": True})
    found = (await admin.get(f"{HOSTS}host-1/copies/")).json
    drained = "host-1 is being drained; it is about to be made again elsewhere"
    assert [(item["container"], item["waits"]) for item in found["results"]] == [
        ("hello_v2.web.1", drained),
        ("hello_v2.web.2", "host-1 ends it"),
    ]
    assert found["results"][0] == {
        "app": "hello",
        "process": "web.1",
        "container": "hello_v2.web.1",
        "release": 2,
        "state": "created",
        "waits": drained,
    }
    assert (await admin.get(f"{HOSTS}host-7/copies/")).status == 404


async def test_a_command_on_a_host_is_said_to_be_waited_for(api: Api, admin: Client) -> None:
    copy = make_copy("run")
    placed = make_placed(copy, host="host-1")
    api.leader.cluster.store.put(keys.placement("host-1", copy.container), placed.placement)
    (found,) = (await admin.get(f"{HOSTS}host-1/copies/")).json["results"]
    assert (found["process"], found["waits"][:24]) == ("run.1", "it is a one-off command,")

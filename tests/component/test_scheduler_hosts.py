"""What operators say of hosts, on a real etcd and a real PostgreSQL; agents are stand-ins."""

import time

import pytest

from deis_control.db import desired
from deis_control.deltas import ConfigDelta, ScaleDelta
from deis_control.errors import Conflict, Unavailable
from deis_control.model import App, OpPhase
from deis_control.scheduler.hostconf import HostConfs
from deis_node.cluster import keys
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Host, HostConf, PlacementState
from tests.fixtures.scheduling import Scheduling, web
from tests.fixtures.waiting import eventually
from tests.worlds import make_placed


@pytest.fixture
async def leader(scheduling: Scheduling) -> Scheduling:
    await scheduling.lead()
    return scheduling


async def say(leader: Scheduling, host: str, conf: HostConf) -> None:
    confs = HostConfs(leader.etcd)
    assert await confs.write(host, conf, await confs.read(host))


async def hosts_of(leader: Scheduling) -> list[str]:
    listing = await leader.etcd.list(keys.PLACEMENTS)
    return sorted(keys.pair(kv.key, keys.PLACEMENTS)[0] for kv in listing.items)


async def test_a_cordoned_host_takes_no_copies(leader: Scheduling) -> None:
    app = await leader.make_app()
    await say(leader, "host-1", HostConf(cordoned=True))
    await leader.deployed(app, web=3)
    assert await hosts_of(leader) == ["host-2"] * 3


async def test_what_runs_on_a_host_that_is_cordoned_stays(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=2)
    before = await leader.placements()
    await say(leader, "host-1", HostConf(cordoned=True))
    done = await leader.ended(await leader.submit(app, ScaleDelta({"web": 3})))
    assert done.phase is OpPhase.DONE
    assert await hosts_of(leader) == ["host-1", "host-2", "host-2"]
    assert (await leader.placements()).items() >= before.items()


async def failed_at_once(leader: Scheduling, app: App, delta: ConfigDelta) -> str:
    """Why the change failed, long before `pickup_timeout`."""
    began = time.monotonic()
    done = await leader.ended(await leader.submit(app, delta))
    assert time.monotonic() - began < 10
    assert done.phase is OpPhase.FAILED
    return done.reason


async def test_a_tag_that_no_host_has_fails_the_change_at_once(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    assert await failed_at_once(leader, app, ConfigDelta(tags={"disk": "ssd"})) == (
        "no host takes web.1: host-1 is not tagged disk=ssd; host-2 is not tagged disk=ssd"
    )
    await leader.at_rest(web(2))


async def test_a_copy_larger_than_every_host_fails_the_change_at_once(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    for name in ("host-1", "host-2"):
        host = Host(name, "10.0.0.1", memory=64 << 20)
        await leader.etcd.put(keys.host(name), host.to_bytes())
    assert await failed_at_once(leader, app, ConfigDelta(memory={"web": "100M"})) == (
        "no host takes web.1: host-1 has 64 MiB in all of the 100 MiB it may use;"
        " host-2 has 64 MiB in all of the 100 MiB it may use"
    )
    await leader.at_rest(web(2))


async def test_an_operators_tag_leads_an_app_to_its_host(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=2)
    await say(leader, "host-2", HostConf(tags={"disk": "ssd"}))
    tagged = await leader.ended(await leader.submit(app, ConfigDelta(tags={"disk": "ssd"})))
    assert (tagged.phase, tagged.reason) == (OpPhase.DONE, "")
    await leader.at_rest(web(3), web(3, 2))
    assert await hosts_of(leader) == ["host-2", "host-2"]
    async with leader.database.connection() as conn:
        assert (await desired.of_all(conn))["hello"].tags == {"disk": "ssd"}


async def test_the_view_lists_hosts_with_what_was_said_of_them(scheduling: Scheduling) -> None:
    view = await scheduling.lead()
    await say(scheduling, "host-9", HostConf(draining=True))

    async def listed() -> bool:
        try:
            found = {host.name: (host.alive, host.conf.draining) for host in view.hosts()}
        except Unavailable:  # A new leader reads everything anew.
            return False
        return found == {
            "host-1": (True, False),
            "host-2": (True, False),
            "host-9": (False, True),
        }

    await view.ready()
    await eventually(listed)


async def test_of_two_operators_at_once_one_decides_anew(leader: Scheduling) -> None:
    confs = HostConfs(leader.etcd)
    held = await confs.read("host-1")
    assert await confs.write("host-1", HostConf(cordoned=True), held)
    assert not await confs.write("host-1", HostConf(draining=True), held)
    held = await confs.read("host-1")
    assert await confs.write("host-1", HostConf(), held)
    assert await leader.etcd.get(keys.hostconf("host-1")) is None


async def test_a_host_is_forgotten_only_when_it_is_gone(leader: Scheduling) -> None:
    confs = HostConfs(leader.etcd)
    copy = CopyName("hello", 2, "web", 1)
    stopping = make_placed(copy, host="host-9", state=PlacementState.STOP).placement
    await leader.etcd.put(keys.placement("host-9", copy.container), stopping.to_bytes())
    await leader.etcd.put(keys.host("host-9"), Host("host-9", "10.0.0.9").to_bytes())
    with pytest.raises(Conflict, match="host-9 is alive"):
        await confs.forget("host-9")
    await leader.etcd.delete(keys.host("host-9"))
    await confs.forget("host-9")
    assert (await leader.etcd.list(keys.placements_of("host-9"))).items == ()


async def test_moves_are_asked_for_of_copies_that_are_there(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    confs = HostConfs(leader.etcd)
    (host,) = await hosts_of(leader)
    here, gone = CopyName("hello", 2, "web", 1), CopyName("hello", 2, "web", 7)
    await leader.kill()  # Or it would forget a move to a host that there is not.
    await confs.ask({here: (host, "host-9"), gone: (host, "host-9")})
    assert {copy: move.to for copy, move in (await confs.moves()).items()} == {here: "host-9"}


async def test_without_the_store_nothing_is_said(scheduling: Scheduling) -> None:
    scheduling.server.kill()
    with pytest.raises(Unavailable, match="store does not answer"):
        await HostConfs(scheduling.etcd).read("host-1")

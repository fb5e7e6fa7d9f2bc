"""The host's record in a real store, and its lease on a disk that takes nothing."""

from pathlib import Path

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.records import Host
from deis_node.heartbeat import Heartbeat
from deis_node.runtime.tasks import Tasks
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.waiting import eventually

HOST = Host("h1", "10.0.0.1")
TTL = 4


async def test_a_disk_that_takes_nothing_costs_the_lease_file_alone(
    etcd_server: EtcdMember, etcd: Etcd, tmp_path: Path
) -> None:
    (tmp_path / "lease.new").mkdir()  # In the way of what would be written there.
    async with Etcd([etcd_server.endpoint], timeout=0.8) as client, Tasks() as tasks:
        heartbeat = Heartbeat(client, HOST, TTL, tmp_path)

        async def there(other_than: int) -> bool:
            lease = heartbeat.current_lease()
            record = await etcd.get(keys.host(HOST.name))
            return record is not None and record.lease == lease and lease not in (0, other_than)

        running = tasks.start("heartbeat", heartbeat.run())
        await eventually(lambda: there(0), within=10)
        first = heartbeat.current_lease()
        await etcd.revoke(first)
        await eventually(lambda: there(first), within=20)
        assert not running.done()
    assert not (tmp_path / "lease.json").exists()

"""Logs of destroyed apps that a logger was not there to delete: it does so when it is back."""

import asyncio

import structlog

from deis_control.logger.server import LoggerServer
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, Etcd, EtcdError, KeyValue, mod_revision_is
from deis_node.cluster.names import is_app_id
from deis_node.cluster.prefix import WatchedPrefix
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import forever, spawn

log = structlog.get_logger()


async def pay(etcd: Etcd, name: str, server: LoggerServer) -> None:
    """Delete what the started logger of this name is asked to in etcd, until cancelled."""
    prefix = WatchedPrefix(etcd, keys.logs_deleted_of(name), name="logs to delete")
    async with asyncio.TaskGroup() as group:
        spawn(group, "watch logs to delete", forever(prefix.name, prefix.run))
        spawn(group, "delete logs", _work(etcd, prefix, server))


async def _work(etcd: Etcd, prefix: WatchedPrefix, server: LoggerServer) -> None:
    signal = prefix.subscribe()
    pause = Backoff(initial=0.1, maximum=5.0)
    while True:
        await signal.wait()
        signal.clear()
        try:
            for kv in list(prefix.items.values()):
                await _pay(etcd, kv, server)
            pause.reset()
        except (EtcdError, OSError) as err:  # A folder that is read-only is so for a time.
            log.info("a log's deletion is not confirmed", error=str(err))
            await pause.wait()
            signal.set()


async def _pay(etcd: Etcd, kv: KeyValue, server: LoggerServer) -> None:
    """One app's; nothing is confirmed that was asked for once more meanwhile."""
    app = kv.key.rpartition("/")[2]
    if is_app_id(app):
        await server.forget(app)
    await etcd.txn((mod_revision_is(kv.key, kv.mod_revision),), (Delete(kv.key),))

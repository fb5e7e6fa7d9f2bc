"""Who is where: what this process publishes of itself, and what it reads of the platform."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from deis_control.ldap.settings import LdapKeys
from deis_control.services.platform import Platform
from deis_control.settings import PlatformSettings
from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, EtcdError
from deis_node.cluster.prefix import WatchedPrefix
from deis_node.cluster.records import Address, Record
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import forever, spawn

log = structlog.get_logger()


class Directory:
    """The platform's settings and its components' addresses, as etcd has them now."""

    def __init__(self, etcd: Etcd, settings: PlatformSettings) -> None:
        self._settings = settings
        self._platform = WatchedPrefix(etcd, keys.setting("platform", ""), name="platform")
        self._controller = WatchedPrefix(etcd, keys.setting("controller", ""), name="controller")
        self._loggers = WatchedPrefix(etcd, keys.LOGS_HOSTS, name="loggers")

    async def run(self) -> None:
        """Keep in step with etcd until cancelled."""
        async with asyncio.TaskGroup() as group:
            for prefix in (self._platform, self._controller, self._loggers):
                spawn(group, f"watch {prefix.name}", forever(prefix.name, prefix.run))

    def platform(self) -> Platform:
        """The settings of this moment: keys in etcd go before the file."""
        known = self._settings
        return Platform(
            domain=_text(self._platform, "platform", "domain", known.domain),
            subdomain=_text(self._controller, "controller", "subdomain", "deis"),
            registration_mode=_text(
                self._controller, "controller", "registrationMode", known.registration_mode
            ),
            builder_port=known.builder_port,
            router_port=known.router_port,
            trusted_proxies=known.trusted_proxies,
            builder_key=known.builder_key,
            ldap=LdapKeys.read(
                lambda name: _text(self._controller, "controller", f"auth/ldap/{name}", "")
            ),
        )

    def log_intakes(self) -> Sequence[str]:
        """Where loggers take lines over TCP, the first by name first."""
        records = self._loggers.records(Address)
        return [records[key].address for key in sorted(records)]

    def log_queries(self) -> Mapping[str, str]:
        """Each logger's name, and where it is asked for lines."""
        return {
            keys.tail(key, keys.LOGS_HOSTS): record.query
            for key, record in self._loggers.records(Address).items()
            if record.query
        }


async def publish(etcd: Etcd, key: str, record: Record) -> None:
    """Keep a key at this record until cancelled; written when it differs, and only then."""
    prefix = WatchedPrefix(etcd, key, name=f"own {key}")
    async with asyncio.TaskGroup() as group:
        spawn(group, f"watch {key}", forever(prefix.name, prefix.run))
        spawn(group, f"publish {key}", _keep(etcd, key, record.to_bytes(), prefix))


async def _keep(etcd: Etcd, key: str, value: bytes, prefix: WatchedPrefix) -> None:
    signal = prefix.subscribe()
    pause = Backoff(initial=0.1, maximum=5.0)
    await prefix.ready()
    while True:
        held = prefix.items.get(key)
        if prefix.available and (held is None or held.value != value):
            try:
                await etcd.put(key, value)
            except EtcdError as err:
                log.info("address not published", key=key, error=str(err))
            await pause.wait()
            continue
        pause.reset()
        await signal.wait()
        signal.clear()


def _text(prefix: WatchedPrefix, component: str, name: str, fallback: str) -> str:
    held = prefix.items.get(keys.setting(component, name))
    return held.value.decode(errors="replace").strip() if held is not None else fallback

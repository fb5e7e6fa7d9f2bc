"""`deisctl config <component> get|set|rm …`: platform settings in etcd (cli.md, part 2).

Plain settings only: one that must be sealed is refused, for this command has no ring of keys.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, Put
from deis_node.cluster.records import NATIVE, SWARM
from deis_node.cluster.settings import EtcdSettings, open_etcd
from deis_node.runtime.errors import DeisError

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
_SEALED = frozenset({"platform/sshPrivateKey", "router/sslKey"})
_FILES = frozenset({"router/sslCert", "router/sslDhparam"})
"""Settings whose value is given as the path of a file."""
_WORDS = {"scheduler/engine": (NATIVE, SWARM)}
"""Settings that know only these values."""
_NOT_SETTINGS = ("hosts/",)
"""What processes keep beside the settings of their component."""


class ConfigError(DeisError):
    """What was asked for cannot be done; the text is for people."""


async def run(settings: EtcdSettings, component: str, verb: str, words: Sequence[str]) -> list[str]:
    """Carry a command out: the lines that it prints. ConfigError, EtcdError."""
    async with open_etcd(settings) as etcd:
        if verb == "get":
            return [await get(etcd, component, word) for word in words]
        if verb == "set":
            return await set_all(etcd, component, words)
        return [await remove(etcd, component, word) for word in words]


async def get(etcd: Etcd, component: str, name: str) -> str:
    """The value of a setting. ConfigError, EtcdError."""
    key = checked_key(component, name)
    found = await etcd.get(key)
    if found is None:
        raise await _missing(etcd, key)
    return found.value.decode(errors="replace")


async def set_all(etcd: Etcd, component: str, words: Sequence[str]) -> list[str]:
    """Store pairs `key=value`, all or none; the values as stored. ConfigError, EtcdError."""
    pairs = [checked_pair(component, word) for word in words]
    if pairs:
        await etcd.txn((), [Put(key, value.encode()) for key, value in pairs])
    return [value for _, value in pairs]


async def remove(etcd: Etcd, component: str, name: str) -> str:
    """Delete a setting; its key. ConfigError, EtcdError."""
    key = checked_key(component, name)
    if await etcd.get(key) is None:
        if (await etcd.list(f"{key}/")).items:
            raise ConfigError(f"102: Not a file ({key}) [{await etcd.revision()}]")
        raise await _missing(etcd, key)
    await etcd.delete(key)
    return key


async def _missing(etcd: Etcd, key: str) -> ConfigError:
    return ConfigError(f"100: Key not found ({key}) [{await etcd.revision()}]")


def checked_key(component: str, name: str) -> str:
    """The key of a setting. PURE; ConfigError when it is none."""
    if component not in keys.SETTING_COMPONENTS:
        known = ", ".join(keys.SETTING_COMPONENTS)
        raise ConfigError(f"there is no component {component!r}; known are {known}")
    if _KEY.fullmatch(name) is None or f"{name}/".startswith(_NOT_SETTINGS):
        raise ConfigError(f"{name!r} is no setting of {component}")
    return keys.setting(component, name)


def checked_pair(component: str, word: str) -> tuple[str, str]:
    """`key=value` as key in etcd and value; ConfigError when it is no such pair."""
    name, equals, value = word.partition("=")
    if not (name and equals and value):
        raise ConfigError(f"'{word}' does not match the pattern 'key=var', ex: foo=bar")
    key, full = checked_key(component, name), f"{component}/{name}"
    if full in _SEALED:
        raise ConfigError(f"{full} is a secret, which this command cannot store yet")
    allowed = _WORDS.get(full)
    if allowed is not None and value not in allowed:
        raise ConfigError(f"{full} is one of {', '.join(allowed)}, not {value!r}")
    return key, _content(value) if full in _FILES else value


def _content(path: str) -> str:
    """The text of a file, `~` and `$HOME` expanded; ConfigError when it cannot be read."""
    try:
        return Path(os.path.expandvars(path)).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"{path} cannot be read: {err}") from err

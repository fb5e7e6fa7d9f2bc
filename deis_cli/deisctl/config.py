"""`deisctl config <component> get|set|rm …`: platform settings in etcd (cli.md, part 2).

Secret ones are sealed with the platform's ring of keys. They come from a file or from stdin, for
everybody may read a process' arguments, and are never printed.
"""

import os
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, Put
from deis_node.cluster.records import NATIVE, SWARM
from deis_node.cluster.seal import Ring
from deis_node.cluster.settings import EtcdSettings, open_etcd
from deis_node.runtime.errors import DeisError

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
_FILES = frozenset({"router/sslCert", "router/sslDhparam"})
"""Settings whose value is given as the path of a file, or `-` for stdin."""
_SEALED: Mapping[str, Callable[[bytes], bytes]] = {
    "platform/sshPrivateKey": b64encode,
    "router/sslKey": bytes,
}
"""Secret settings, given in the same way, and the form in which each is kept."""
_SHOWN = "(sealed)"
"""What is printed in the place of a secret."""
_PRIVATE = b"PRIVATE KEY-----"
STDIN = "-"
_WORDS = {"scheduler/engine": (NATIVE, SWARM)}
"""Settings that know only these values."""
_NOT_SETTINGS = ("hosts/", "deleted/")
"""What processes keep beside the settings of their component."""


class ConfigError(DeisError):
    """What was asked for cannot be done; the text is for people."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value as it is stored, and as it is shown."""

    key: str
    value: bytes
    shown: str


async def run(
    settings: EtcdSettings,
    component: str,
    verb: str,
    words: Sequence[str],
    keyring: Path | None = None,
) -> list[str]:
    """Carry a command out: the lines that it prints. ConfigError, SealError, EtcdError.

    `keyring` is the file of the ring that secrets are sealed with.
    """
    async with open_etcd(settings) as etcd:
        if verb == "get":
            return [await get(etcd, component, word) for word in words]
        if verb == "set":
            return await set_all(etcd, component, words, keyring)
        return [await remove(etcd, component, word) for word in words]


async def get(etcd: Etcd, component: str, name: str) -> str:
    """The value of a setting. ConfigError, EtcdError."""
    key = checked_key(component, name)
    found = await etcd.get(key)
    if found is None:
        raise await _missing(etcd, key)
    if f"{component}/{name}" in _SEALED:
        return _SHOWN
    return found.value.decode(errors="replace")


async def set_all(
    etcd: Etcd, component: str, words: Sequence[str], keyring: Path | None = None
) -> list[str]:
    """Store pairs `key=value`, all or none; the values as stored, of secrets only that they are.

    ConfigError, SealError, EtcdError.
    """
    if sum(word.partition("=")[2] == STDIN for word in words) > 1:
        raise ConfigError("only one value can come from stdin")
    found = [checked_pair(component, word, keyring) for word in words]
    if found:
        await etcd.txn((), [Put(item.key, item.value) for item in found])
    return [item.shown for item in found]


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


def checked_pair(component: str, word: str, keyring: Path | None = None) -> Setting:
    """`key=value` as it is stored; ConfigError when it is no such pair, SealError."""
    name, equals, value = word.partition("=")
    if not (name and equals and value):
        raise ConfigError(f"'{word}' does not match the pattern 'key=var', ex: foo=bar")
    key, full = checked_key(component, name), f"{component}/{name}"
    if full in _SEALED:
        return Setting(key, _sealed(full, value, keyring), _SHOWN)
    allowed = _WORDS.get(full)
    if allowed is not None and value not in allowed:
        raise ConfigError(f"{full} is one of {', '.join(allowed)}, not {value!r}")
    text = _text(value) if full in _FILES else value
    return Setting(key, text.encode(), text)


def _sealed(full: str, path: str, keyring: Path | None) -> bytes:
    """A secret from a file, sealed for its place. The words of errors hold nothing of it."""
    if keyring is None:
        raise ConfigError(f"{full} is a secret: --keyring names the ring of keys that seals it")
    ring = Ring.load(keyring)
    where = "stdin" if path == STDIN else "the file that is named"
    plain = _content(path, where)
    if _PRIVATE not in plain:
        raise ConfigError(f"{full} is a private key in PEM form; {where} holds none")
    return ring.seal(_SEALED[full](plain), kind="setting", app=full)


def _text(path: str) -> str:
    try:
        return _content(path, path).decode()
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path} cannot be read: {err}") from err


def _content(path: str, told: str) -> bytes:
    """What is in a file, `~` and `$HOME` expanded, or comes from stdin.

    ConfigError, in which the file is called `told`: what is typed may be the secret itself.
    """
    if path == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(os.path.expandvars(path)).expanduser().read_bytes()
    except OSError as err:
        raise ConfigError(f"{told} cannot be read: {err.strerror}") from err

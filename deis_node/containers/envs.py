"""The configs of releases, read once and kept sealed, so that restarts need no etcd."""

import json
from collections.abc import Mapping

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.seal import Ring, SealError
from deis_node.runtime.errors import DeisError


class EnvMissing(DeisError):
    """The config of a release is not in the store, or is not one."""


class Envs:
    """The configs of this host's releases; by `<app>/<release>`, as placements name them."""

    def __init__(self, etcd: Etcd, ring: Ring) -> None:
        self._etcd = etcd
        self._ring = ring
        self._sealed: dict[str, str] = {}

    @property
    def sealed(self) -> Mapping[str, str]:
        """What is kept, as etcd holds it."""
        return dict(self._sealed)

    def remember(self, sealed: Mapping[str, str]) -> None:
        """Take in what was kept before."""
        self._sealed |= sealed

    def keep(self, names: frozenset[str]) -> None:
        """Forget all but these."""
        self._sealed = {name: text for name, text in self._sealed.items() if name in names}

    async def values(self, name: str | None) -> Mapping[str, str]:
        """The config of a release (None: an empty one).

        EnvMissing and SealError when there is none to be had; the errors of etcd.
        """
        if name is None:
            return {}
        if name in self._sealed:
            try:
                return self._open(name, self._sealed[name].encode())
            except SealError:
                # Its key was retired: by now the store holds it under another one.
                del self._sealed[name]
        app, release = _parts(name)
        found = await self._etcd.get(keys.env(app, release))
        if found is None:
            raise EnvMissing(f"the config of {app} v{release} is not in etcd")
        values = self._open(name, found.value)
        self._sealed[name] = found.value.decode()
        return values

    def _open(self, name: str, envelope: bytes) -> Mapping[str, str]:
        app, release = _parts(name)
        plain = self._ring.open(envelope, kind="env", app=app, release=release)
        values = json.loads(plain)
        if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
            raise EnvMissing(f"the config of {app} v{release} is not a set of texts")
        return values


def _parts(name: str) -> tuple[str, int]:
    app, _, release = name.partition("/")
    if not release.isdecimal():
        raise EnvMissing(f"{name!r} names no config")
    return app, int(release)

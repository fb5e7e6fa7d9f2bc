"""The SSH host keys: made once, then kept, so that no client ever sees them change."""

import os
from pathlib import Path

import asyncssh

_KINDS: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("ed25519", "ssh-ed25519", {}),
    ("rsa", "ssh-rsa", {"key_size": 3072}),
)


def load_or_create(folder: Path) -> list[asyncssh.SSHKey]:
    """The keys in the folder, made first where there are none; blocking, up to a second."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = []
    for name, algorithm, options in _KINDS:
        path = folder / f"host_{name}"
        if not path.exists():
            _create(path, algorithm, options)
        keys.append(asyncssh.read_private_key(path))
    return keys


def _create(path: Path, algorithm: str, options: dict[str, int]) -> None:
    """Make a key and put it in its place whole."""
    key = asyncssh.generate_private_key(algorithm, comment="deis-builder", **options)
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.export_private_key())
        file.flush()
        os.fsync(file.fileno())
    key.write_public_key(path.with_name(path.name + ".pub"))
    aside.replace(path)

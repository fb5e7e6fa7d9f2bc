"""The power of one host among several: whether it has any, and what is there when it has.

A host without power has a marker file. It is written under a lock that is held while a component
of the host is started, so that after it nothing of the host begins to run.
"""

import uuid
from contextlib import AbstractContextManager
from pathlib import Path

from deis_cli.deisctl.local.locks import locked
from deis_cli.deisctl.local.sites import Site

MACHINE_BOOT = Path("/proc/sys/kernel/random/boot_id")


def is_on(site: Site) -> bool:
    """Whether the host has power."""
    return not site.off.exists()


def held(site: Site) -> AbstractContextManager[None]:
    """Keep the host's power as it is for as long as the block lasts; LocalError."""
    return locked(site.run)


def prepare(site: Site) -> None:
    """Make what a part of the host needs: network, folders, the name of this boot; LocalError."""
    if site.network is not None:
        site.network.ensure()
        site.data.mkdir(parents=True, exist_ok=True)
        _name_boot(site)


def count_boot(site: Site) -> None:
    """The host has lost its power: what runs next on it runs after another boot."""
    _write(_boots(site), str(_boot_count(site) + 1))
    _name_boot(site)


def _name_boot(site: Site) -> None:
    """Write the name of this boot: another one after each power cycle, of the machine too."""
    if site.boot_id is not None:
        machine = uuid.UUID(MACHINE_BOOT.read_text().strip())
        name = str(uuid.uuid5(machine, f"{site.name} {_boot_count(site)}"))
        if not site.boot_id.exists() or site.boot_id.read_text().strip() != name:
            _write(site.boot_id, name)


def _boot_count(site: Site) -> int:
    try:
        return int(_boots(site).read_text())
    except (OSError, ValueError):
        return 0


def _boots(site: Site) -> Path:
    return site.data / "boots"


def _write(file: Path, text: str) -> None:
    aside = file.with_suffix(".new")
    aside.write_text(text + "\n")
    aside.replace(file)

"""The store's last word on the host outlives the agent, not the boot."""

import time
from pathlib import Path

from deis_node.cluster.tenure import Tenure
from deis_node.containers.tenures import Tenures


def make_tenures(folder: Path, *, confirmed: float | None = None, boot: str = "boot-1") -> Tenures:
    def ask(unknown: float) -> Tenure:
        return Tenure(10, unknown if confirmed is None else confirmed)

    return Tenures(ask, folder / "tenure.json", boot)


async def test_the_next_agent_goes_on_from_the_last_word(tmp_path: Path) -> None:
    word = time.monotonic() - 15
    await make_tenures(tmp_path, confirmed=word).save()
    later = make_tenures(tmp_path)
    await later.load()
    assert later.now(0).confirmed == word
    assert (tmp_path / "tenure.json").stat().st_mode & 0o777 == 0o600


async def test_a_word_of_another_boot_or_one_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    began = time.monotonic()
    await make_tenures(tmp_path, confirmed=began - 15).save()
    rebooted = make_tenures(tmp_path, boot="boot-2")
    await rebooted.load()
    assert rebooted.now(0).confirmed >= began
    (tmp_path / "tenure.json").write_text("[]")
    spoilt = make_tenures(tmp_path)
    await spoilt.load()
    assert spoilt.now(0).confirmed >= began

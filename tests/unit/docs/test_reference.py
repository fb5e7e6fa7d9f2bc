"""Generated pages say what the code says."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = runpy.run_path(str(ROOT / "contrib" / "reference.py"))["pages"]()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_fresh(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text()
    assert written == PAGES[name], "run `python contrib/reference.py`"


def test_no_file_names_what_only_one_machine_has() -> None:
    text = "".join(path.read_text() for path in ROOT.glob("*.lock"))
    assert "://" not in text

"""`deis logout` forgets the login, whatever the controller says."""

from pathlib import Path

import pytest

from deis_cli.deis import profile
from deis_cli.deis.main import run


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEIS_PROFILE_DIR", str(tmp_path))


@pytest.mark.parametrize("controller", ["http://127.0.0.1:1", "", "nonsense"])
def test_a_controller_that_is_away_does_not_matter(
    controller: str, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.save(profile.Profile("bob", True, controller, "0" * 40))
    assert run(["logout"]) == 0
    assert not profile.exists()
    assert capsys.readouterr().out == "Logged out\n"


def test_without_a_login_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logout"]) == 0
    assert capsys.readouterr().out == "Logged out\n"

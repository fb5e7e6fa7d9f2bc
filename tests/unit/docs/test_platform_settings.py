"""The page of the platform's settings names what the code honours, with its defaults."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from deis_cli.deisctl.config import checked_key
from deis_control.ldap.settings import LdapKeys
from deis_node.cluster import keys
from deis_node.router.platform import PlatformSettings, read

PAGE = (Path(__file__).parents[3] / "docs/reference/settings-platform.md").read_text()
_ROW = re.compile(
    r"\| `([^`]+)` \| .* \| (.*) \| (?:deis-control|routers|deis-control, routers) \|"
)


def rows(component: str) -> dict[str, str]:
    """Name of each setting of a component → the cell with its default."""
    section = PAGE.split(f"\n## `{component}`\n")[1].split("\n## ")[0]
    found = (_ROW.fullmatch(line) for line in section.splitlines() if line.startswith("| `"))
    return {row[1]: row[2] for row in found if row is not None}


def test_every_setting_of_the_router_is_there_in_order() -> None:
    names = [entry.metadata["name"] for entry in fields(PlatformSettings)]
    assert list(rows("router")) == names


@pytest.mark.parametrize("name", sorted(rows("router")))
def test_a_default_of_the_router_is_the_codes(name: str) -> None:
    shown = rows("router")[name]
    texts = {name: " ".join(re.findall(r"`([^`]+)`", shown))} if shown.startswith("`") else {}
    assert read(texts) == (PlatformSettings(), {})


def test_every_setting_of_the_directory_is_there_with_its_default() -> None:
    asked: set[str] = set()

    def get(name: str) -> str:
        asked.add(f"auth/ldap/{name}")
        return "ldap://x" if name == "endpoint" else ""

    found = LdapKeys.read(get)
    assert found is not None
    shown = rows("controller")
    assert {name for name in shown if name.startswith("auth/")} == asked
    defaults = {
        "user/filter": found.user_attribute,
        "group/filter": found.group_attribute,
        "group/type": found.group_type,
    }
    assert {name: shown[f"auth/ldap/{name}"].strip("`") for name in defaults} == defaults


@pytest.mark.parametrize("component", keys.SETTING_COMPONENTS)
def test_every_component_is_named_and_what_it_has_can_be_set(component: str) -> None:
    assert f"`{component}`" in PAGE
    for name in rows(component) if f"\n## `{component}`\n" in PAGE else ():
        assert checked_key(component, name) == keys.setting(component, name)

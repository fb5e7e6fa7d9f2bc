"""Settings: defaults < file < environment, and errors that say where."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from deis_node.runtime.settings import SettingsError, load, reference, section, setting


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Router:
    """How requests come in."""

    port: int = setting(80, "The TCP port.")
    timeout: float = setting(2.5, "Seconds a peer may take to connect.")
    domains: tuple[str, ...] = setting(("a", "b"), "Domains of the platform.")
    colour: Colour = setting(Colour.RED, "The colour.")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the process needs to know."""

    name: str = setting(doc="The host's name.")
    password: str = setting("", "The password.", secret=True)
    home: Path = setting(Path("/var/lib/x"), "Where state lies.")
    tags: Mapping[str, str] = setting({}, "Tags of the host.")
    limit: int | None = setting(None, "At most so many, or none | any.")
    debug: bool = setting(False, "Whether to say more.")
    router: Router = section(Router)


def loaded(tmp_path: Path, text: str = 'name = "h"', **environ: str) -> Settings:
    file = tmp_path / "node.toml"
    file.write_text(text)
    return load(Settings, file=file, prefix="DEIS_NODE", environ=environ)


def refused(tmp_path: Path, text: str = 'name = "h"', **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text, **environ)
    return str(caught.value)


def test_without_a_word_the_defaults_hold() -> None:
    settings = load(Settings, file=None, prefix="P", environ={"P_NAME": "h"})
    assert settings == Settings(name="h")


def test_the_file_goes_before_the_defaults(tmp_path: Path) -> None:
    text = """
        name = "h"
        home = "/srv"
        limit = 3
        debug = true
        tags = {a = "1"}
        [router]
        port = 8080
        timeout = 3
        domains = ["x"]
        colour = "blue"
    """
    router = Router(port=8080, timeout=3.0, domains=("x",), colour=Colour.BLUE)
    assert loaded(tmp_path, text) == Settings(
        name="h", home=Path("/srv"), limit=3, debug=True, tags={"a": "1"}, router=router
    )


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        'name = "h"\nlimit = 3\n[router]\nport = 1',
        DEIS_NODE_NAME="other",
        DEIS_NODE_LIMIT="",
        DEIS_NODE_DEBUG="yes",
        DEIS_NODE_TAGS="a=1, b=x=y",
        DEIS_NODE_ROUTER_PORT="2",
        DEIS_NODE_ROUTER_TIMEOUT="0.5",
        DEIS_NODE_ROUTER_DOMAINS="x, y",
        OTHER_VARIABLE="ignored",
    )
    router = Router(port=2, timeout=0.5, domains=("x", "y"))
    assert settings == Settings(
        name="other", debug=True, tags={"a": "1", "b": "x=y"}, router=router
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[router]\nprot = 1",
            "node.toml: router.prot: unknown setting, did you mean router.port?",
        ),
        ("[ruter]\nport = 1", "node.toml: ruter: unknown setting, did you mean router?"),
        ("xyzzy = 1", "node.toml: xyzzy: unknown setting"),
        ('[router]\nport = "x"', "node.toml: router.port: 'x' is not an integer"),
        ("[router]\nport = true", "node.toml: router.port: True is not an integer"),
        ("[router]\ntimeout = inf", "node.toml: router.timeout: inf is not a number"),
        ("[router]\ndomains = [1]", "node.toml: router.domains: [1] is not a list of texts"),
        ('[router]\ncolour = "pink"', "node.toml: router.colour: 'pink' is not one of red, blue"),
        ("password = 1", "node.toml: password: the value is not a text"),
        ("router = 1", "node.toml: router: is a section, write it as [router]"),
        ("[name]\na = 1", "node.toml: name: {'a': 1} is not a text"),
        ("", "name: is required; DEIS_NODE_NAME sets it, too"),
    ],
)
def test_a_wrong_file_is_told_where(tmp_path: Path, text: str, sentence: str) -> None:
    assert refused(tmp_path, text) == sentence


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("ROUTER_PROT", "1", "unknown setting, did you mean DEIS_NODE_ROUTER_PORT?"),
        ("ROUTER_PORT", "x", "'x' is not an integer"),
        ("ROUTER_PORT", "", "'' is not an integer"),
        ("ROUTER_TIMEOUT", "nan", "nan is not a number"),
        ("DEBUG", "perhaps", "'perhaps' is not true or false"),
        ("TAGS", "a", "'a' is not a table of texts (k=v,k=v in the environment)"),
    ],
)
def test_a_wrong_variable_is_told(tmp_path: Path, variable: str, value: str, sentence: str) -> None:
    name = f"DEIS_NODE_{variable}"
    assert refused(tmp_path, **{name: value}) == f"{name}: {sentence}"


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    assert "node.toml: " in refused(tmp_path, "name =")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(Settings, file=tmp_path / "none.toml", prefix="P", environ={})


def test_a_section_may_refuse_its_values(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Checked:
        ttl: int = setting(1, "Seconds.")

        def __post_init__(self) -> None:
            if self.ttl < 1:
                raise ValueError("ttl must be positive")

    @dataclass(frozen=True)
    class Outer:
        lease: Checked = section(Checked)

    # Types of fields are looked up by name, which a function's own classes do not have.
    Outer.__annotations__["lease"] = Checked
    with pytest.raises(SettingsError, match="lease: ttl must be positive"):
        load(Outer, file=None, prefix="P", environ={"P_LEASE_TTL": "0"})


def test_a_secret_is_not_shown() -> None:
    assert "hidden" not in repr(Settings(name="h", password="hidden"))


def test_the_reference_page_lists_every_setting_once() -> None:
    page = reference(Settings, "Settings of the node", "DEIS_NODE")
    assert page == reference(Settings, "Settings of the node", "DEIS_NODE")
    assert "# Settings of the node\n\nWhat the process needs to know.\n" in page
    assert "## `router`\n\nHow requests come in.\n" in page
    assert "| `name` | `DEIS_NODE_NAME` | text | required | The host's name. |" in page
    assert "| `password` | `DEIS_NODE_PASSWORD` | text | secret | The password. |" in page
    assert "| `router.domains` | `DEIS_NODE_ROUTER_DOMAINS` | list | `a`, `b` |" in page
    assert "| integer, optional | none | At most so many, or none \\| any. |" in page
    assert page.count("DEIS_NODE_") == 10

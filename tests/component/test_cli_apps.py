"""`deis` and apps, over real HTTP against the API, PostgreSQL behind it (cli.md 2)."""

import json
from collections.abc import Callable

import pytest

from deis_cli.deis.shapes import LISTS, OBJECTS
from tests.fixtures.command_line import SPINNER, Deis, untimed
from tests.fixtures.control import Api, Client
from tests.fixtures.recording import log_in

HOSTILE = [
    "",
    " leading and trailing ",
    "line\nline\r\n\ttab\x0b\x0c",
    "\"double\" 'single' `back` \\ \\n $HOME ${X} $(id) #hash = !",
    "'",
    '"',
    "é 😀 \u202e \u2028 \u0085 \ufeff",
    "\x01\x1b[31m\x7f",
    "x" * 65536,
    "é" * 32768,
    "-----BEGIN X-----\nAA==\n-----END X-----\n",
]


@pytest.fixture
def mine(api: Api, bob: Client, new_deis: Callable[[str], Deis]) -> Deis:
    """Bob's command line."""
    made = new_deis("bob")
    assert bob.token is not None
    log_in(made, api.anonymous.url, bob.token, "bob")
    return made


async def test_cli_2_apps_create_prints_the_name_and_the_remote(mine: Deis) -> None:
    assert await mine.ok("apps:create", "hello", "--no-remote") == (
        f"Creating Application... {SPINNER}done, created hello\n"
        "remote available at ssh://git@127.0.0.1:2022/hello.git\n"
    )
    assert await mine.ok("apps") == "=== Apps\nhello\n"


async def test_cli_2_apps_create_outside_a_repository_creates_all_the_same(mine: Deis) -> None:
    ran = await mine("create", "hello")
    assert (ran.status, ran.err) == (1, "Error: exit status 128\n")
    assert await mine.ok("apps") == "=== Apps\nhello\n"


async def test_cli_2_apps_create_with_a_bad_name_is_the_apis_error(mine: Deis) -> None:
    ran = await mine("create", "No_Good", "--no-remote")
    assert ran.status == 1
    assert ran.err.startswith("Error: \n400 BAD REQUEST\nid: ")


async def test_cli_2_apps_destroy_forgets_the_app(mine: Deis, built_app: str) -> None:
    shown = await mine.ok("destroy", "-a", "hello", "--confirm=hello")
    assert untimed(shown) == "Destroying hello...\ndone in 0s\n"
    assert await mine.ok("apps") == "=== Apps\n"


async def test_cli_2_apps_info_of_an_unknown_app(mine: Deis) -> None:
    ran = await mine("info", "-a", "unknown")
    assert (ran.status, ran.err) == (1, "Error: \n404 NOT FOUND\ndetail: Not found\n\n")


async def test_cli_2_config_set_prints_release_and_list(mine: Deis, built_app: str) -> None:
    assert await mine.ok("config:set", "A=1", "LONGER=two words") == (
        f"Creating config... {SPINNER}done, v3\n\n"
        "=== hello Config\nA           1\nLONGER      two words\n"
    )
    assert await mine.ok("config:unset", "A") == (
        f"Removing config... {SPINNER}done\n\n=== hello Config\nLONGER      two words\n"
    )


async def test_cli_2_config_set_without_a_build_names_no_release(
    mine: Deis, fresh_app: str
) -> None:
    shown = await mine.ok("config:set", "A=1")
    assert shown == f"Creating config... {SPINNER}done\n\n=== hello Config\nA      1\n"


async def test_cli_2_limits_and_tags_are_part_of_the_config(mine: Deis, built_app: str) -> None:
    await mine.ok("limits:set", "web=512M")
    shown = await mine.ok("limits:set", "-c", "web=512", "worker=100")
    assert shown.endswith(
        "=== hello Limits\n\n--- Memory\nweb     512M\n\n--- CPU\nweb        512\nworker     100\n"
    )
    assert (await mine.ok("limits:unset", "web")).endswith(
        "--- Memory\nUnlimited\n\n--- CPU\nweb        512\nworker     100\n"
    )
    assert (await mine.ok("tags:set", "rack=1")).endswith("=== hello Tags\nrack     1\n")
    assert (await mine.ok("tags:unset", "rack")).endswith("=== hello Tags\n")


async def test_cli_2_ps_scale_and_restart_print_the_list(mine: Deis, built_app: str) -> None:
    assert (await mine.ok("scale", "web=2", "worker=1")).endswith(
        "=== hello Processes\n--- web:\nweb.1 up (v2)\nweb.2 up (v2)\n"
        "--- worker:\nworker.1 up (v2)\n"
    )
    assert "web.1 up (v2)" in await mine.ok("ps:restart", "web")


async def test_cli_2_ps_scale_without_a_build_is_the_apis_error(mine: Deis, fresh_app: str) -> None:
    ran = await mine("scale", "web=1")
    assert ran.err == (
        "Error: \n400 BAD REQUEST\ndetail: No build associated with this release\n\n"
    )


async def test_cli_2_builds_and_releases_and_rollback(mine: Deis, fresh_app: str) -> None:
    image = ["pull", "example/hello", "-p", "web: serve"]
    assert await mine.ok(*image) == f"Creating build... {SPINNER}done\n"
    assert (await mine.ok("builds")).startswith("=== hello Builds\n")
    listed = (await mine.ok("releases")).splitlines()
    assert [line.split("\t")[0] for line in listed[1:]] == ["v2", "v1"]
    assert await mine.ok("rollback", "v1") == f"Rolling back to v1... {SPINNER}done, v3\n"
    assert "summary: bob rolled back to v1\n" in await mine.ok("releases:info", "v3")


async def test_cli_3_a_failing_deploy_is_an_error_with_its_reason(
    api: Api, mine: Deis, built_app: str
) -> None:
    api.leader.reason = "web.1 (v3) ended with code 1\nlast line of its log"
    ran = await mine("config:set", "A=1")
    assert (ran.status, ran.out) == (1, f"Creating config... {SPINNER}")
    assert ran.err == (
        "Error: \n503 SERVICE UNAVAILABLE\n"
        "detail: web.1 (v3) ended with code 1\nlast line of its log\n\n"
    )


async def test_config_files_bring_any_value_there_and_back(mine: Deis, fresh_app: str) -> None:
    values = {f"V{number}": value for number, value in enumerate(HOSTILE)}
    await mine.ok("config:set", *(f"{key}={value}" for key, value in values.items()))
    await mine.ok("config:pull")
    text = (mine.cwd / ".env").read_bytes()
    await mine.ok("config:unset", *values)
    await mine.ok("config:push")
    assert (await the_config(mine))["values"] == values
    await mine.ok("config:unset", *values)
    await mine.ok("config:set", "-", stdin=text.decode())
    assert (await the_config(mine))["values"] == values
    await mine.ok("config:pull", "-o")
    assert (mine.cwd / ".env").read_bytes() == text


async def test_config_set_takes_a_file_and_pairs_go_before_it(mine: Deis, fresh_app: str) -> None:
    (mine.cwd / "prod.env").write_text("A=file\nB=file\n")
    await mine.ok("config:set", "--file", "prod.env", "A=word")
    assert (await the_config(mine))["values"] == {"A": "word", "B": "file"}
    ran = await mine("config:set", "--file", "missing")
    assert (ran.status, ran.out) == (1, "")
    assert (await mine("config:set")).status == 1


@pytest.mark.parametrize(
    "words",
    [
        ["apps:list"],
        ["builds:list"],
        ["releases:list"],
        ["ps:list"],
        ["domains:list"],
        ["keys:list"],
    ],
)
async def test_json_lists_are_the_apis_objects(
    mine: Deis, bob: Client, built_app: str, words: list[str]
) -> None:
    paths = {
        "apps:list": "/v1/apps/",
        "builds:list": f"{built_app}/builds/",
        "releases:list": f"{built_app}/releases/",
        "ps:list": f"{built_app}/containers/",
        "domains:list": f"{built_app}/domains/",
        "keys:list": "/v1/keys/",
    }
    expected = (await bob.get(paths[words[0]])).json["results"]
    assert json.loads(await mine.ok(*words, "--json")) == expected
    assert all({*LISTS[words[0]]} <= {*item} for item in expected)


async def test_json_lists_are_whole_unless_limited(mine: Deis, fresh_app: str) -> None:
    for number in range(3):
        await mine.ok("config:set", f"A={number}")
    file = mine.home / "profile" / "client.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"response_limit": 3}))
    assert (await mine.ok("releases")).startswith("=== hello Releases (3 of 4)\n")
    versions = [item["version"] for item in json.loads(await mine.ok("releases", "--json"))]
    assert versions == [4, 3, 2, 1]
    assert len(json.loads(await mine.ok("releases", "--json", "-l", "2"))) == 2


async def test_json_info_is_the_apis_object(mine: Deis, bob: Client, built_app: str) -> None:
    app = (await bob.get(f"{built_app}/")).json
    copies = (await bob.get(f"{built_app}/containers/")).json["results"]
    shown = json.loads(await mine.ok("info", "--json"))
    assert shown == app | {"containers": copies, "domains": []}
    assert {*OBJECTS["apps:info"]} <= {*shown}
    release = (await bob.get(f"{built_app}/releases/v2/")).json
    assert json.loads(await mine.ok("releases:info", "v2", "--json")) == release
    assert {*OBJECTS["releases:info"]} <= {*release}
    config = await the_config(mine)
    assert {*OBJECTS["config:list"]} <= {*config}
    assert json.loads(await mine.ok("limits", "--json")) == {
        "memory": config["memory"],
        "cpu": config["cpu"],
    }
    assert json.loads(await mine.ok("tags", "--json")) == config["tags"]


async def the_config(deis: Deis) -> dict[str, object]:
    shown: dict[str, object] = json.loads(await deis.ok("config", "--json"))
    return shown

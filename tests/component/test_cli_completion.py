"""TAB in a shell: commands, options and app names; quick, and silent whatever happens."""

import asyncio
import shlex

import pytest

from tests.fixtures.command_line import DEADLINE, Deis
from tests.fixtures.recording import Recorder, Reply

ANSWERS = [
    (["ps:sc"], ["ps:scale"]),
    (["whoa"], ["whoami"]),
    (["tok"], ["tokens", "tokens:list", "tokens:create", "tokens:remove"]),
    (["ps:scale", "--d"], ["--dry-run", "--detach"]),
    (["apps:info", "-a", ""], ["another", "demo"]),
    (["info", "--app", "de"], ["demo"]),
    (["info", "--app=de"], ["--app=demo"]),
    (["tokens:create", "--scope", "d"], ["deploy"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["help", "config:pul"], ["config:pull"]),
    (["nonsense", ""], []),
    (["config:set", "A"], []),
    (["run", "--", "-"], []),
]


@pytest.mark.parametrize(("words", "found"), ANSWERS)
async def test_what_may_come_next(alice: Deis, words: list[str], found: list[str]) -> None:
    shown = await alice.ok("__complete", *words)
    assert [line.split("\t")[0] for line in shown.splitlines()] == found


@pytest.mark.parametrize("reply", [Reply(500), Reply(200, b"junk"), Reply(401, {})])
async def test_a_controller_with_faults_is_passed_over_in_silence(
    alice: Deis, recorder: Recorder, reply: Reply
) -> None:
    recorder.on("GET", "/v1/apps/?page_size=1000", reply)
    assert await alice.ok("__complete", "info", "-a", "") == ""


async def test_a_controller_that_is_silent_is_not_waited_for(
    alice: Deis, recorder: Recorder
) -> None:
    hold = asyncio.Event()
    recorder.on("GET", "/v1/apps/?page_size=1000", Reply(stream=[], hold=hold))
    began = asyncio.get_running_loop().time()
    assert await alice.ok("__complete", "info", "-a", "") == ""
    assert asyncio.get_running_loop().time() - began < 10
    hold.set()


async def test_without_a_login_there_are_no_apps(deis: Deis) -> None:
    assert await deis.ok("__complete", "info", "-a", "") == ""


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("deis whoa", ["whoami"]),
        ("deis ps:sc", ["scale"]),
        ("deis info -a de", ["demo"]),
        ("deis info --app=de", ["demo"]),
        ("deis ps:scale --dr", ["--dry-run"]),
    ],
)
async def test_bash_gets_what_it_takes(alice: Deis, typed: str, found: list[str]) -> None:
    script = (
        "source <(deis completion bash)\n"
        f"COMP_LINE={shlex.quote(typed)} COMP_POINT={len(typed)}\n"
        "_deis\nprintf '%s\\n' \"${COMPREPLY[@]}\"\ncomplete -p deis"
    )
    *lines, defined = (await bash(alice, script)).splitlines()
    assert lines == found
    assert defined == "complete -o default -F _deis deis"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_each_shell_has_its_script(alice: Deis, shell: str) -> None:
    assert "deis __complete" in await alice.ok("completion", shell)


async def test_another_shell_is_refused(alice: Deis) -> None:
    assert (await alice("completion", "csh")).status == 1


async def bash(deis: Deis, script: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "bash",
        "--norc",
        "-c",
        script,
        cwd=deis.cwd,
        env=deis.env(),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE):
        out, _ = await process.communicate()
    return out.decode()

"""Trees, refs and clients that mean no good (faults.md E.3 and E.4, Git)."""

import asyncio
import os
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from deis_control.model import App
from tests.fixtures.builder import Pusher, RunningBuilder
from tests.fixtures.waiting import eventually

DOCKERFILE = "FROM scratch\nCOPY . /tree\n"


@pytest.fixture
async def ann(builder: RunningBuilder) -> Pusher:
    return await builder.pusher("ann")


@pytest.fixture
async def app(builder: RunningBuilder, ann: Pusher) -> App:
    return await builder.app("ann")


async def plumb(ann: Pusher, *arguments: str, stdin: bytes = b"") -> str:
    done = await ann.run("git", *arguments, cwd=ann.copy, stdin=stdin)
    assert done.status == 0, done.err
    return done.out.strip()


async def commit_tree(ann: Pusher, entries: bytes) -> str:
    """A commit of a tree in git's raw form, which git itself would not make."""
    tree = await plumb(
        ann, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=entries
    )
    who = ["-c", "user.name=A", "-c", "user.email=a@b"]
    commit = await plumb(ann, *who, "commit-tree", "-m", "x", tree)
    await plumb(ann, "update-ref", "refs/heads/master", commit)
    return commit


async def blob(ann: Pusher, content: bytes = b"x") -> bytes:
    return bytes.fromhex(await plumb(ann, "hash-object", "-w", "--stdin", stdin=content))


async def test_names_that_harm_a_checkout_are_refused(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    for name in (b".git", b".GIT", b".git ", b"..", b"a/b", b"git~1"):
        await commit_tree(ann, b"100644 " + name + b"\0" + await blob(ann))
        pushed = await ann.push()
        assert pushed.status == 1, name
        assert "unpacker error" in pushed.err
    assert await builder.accepted(app) == {}


async def test_a_submodule_with_an_option_for_a_path_is_refused(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    modules = b'[submodule "x"]\n\tpath = -x\n\turl = --upload-pack=id\n'
    await commit_tree(ann, b"100644 .gitmodules\0" + await blob(ann, modules))
    assert (await ann.push()).status == 1
    assert await builder.accepted(app) == {}


async def test_a_submodule_is_an_empty_folder(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit({"Dockerfile": DOCKERFILE})
    link = f"160000,{'1' * 40},sub"
    await plumb(ann, "update-index", "--add", "--cacheinfo", link)
    await plumb(ann, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-m", "x")
    assert (await ann.push()).status == 0


async def test_file_names_of_every_kind_are_only_names(
    builder: RunningBuilder, busybox_image: str, ann: Pusher, app: App
) -> None:
    names = ["$(touch x)", "`id`", "--upload-pack=id", "-rf", "a;b", "a\nb", "ü🙂", "a b", '"', "'"]
    ann.write(dict.fromkeys(names, "x"))
    (ann.copy / os.fsdecode(b"\xff\xfe")).write_text("x")
    ann.commit({"Dockerfile": f"FROM {busybox_image}\nCOPY . /tree\nRUN ls /tree | wc -l\n"})
    pushed = await ann.push()
    assert pushed.status == 0, pushed.err
    assert f"\x1b[1G{len(names) + 2} " in pushed.err


async def test_links_out_of_the_tree_stay_links(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    (ann.copy / "out").symlink_to("/etc/passwd")
    (ann.copy / "up").symlink_to("../../../../etc")
    ann.commit({"Dockerfile": "FROM scratch\nCOPY out /copy\n"})
    pushed = await ann.push()
    assert pushed.status == 1
    assert "root:" not in pushed.err
    assert "The build failed" in pushed.err


async def test_a_dockerfile_may_be_a_link_inside_the_tree_only(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    (ann.copy / "Dockerfile").symlink_to("docker/Real")
    ann.commit({"docker/Real": DOCKERFILE})
    assert (await ann.push()).status == 0
    (ann.copy / "Dockerfile").unlink()
    (ann.copy / "Dockerfile").symlink_to("/etc/passwd")
    ann.commit()
    assert "No Dockerfile in the root" in (await ann.push()).err


async def test_files_that_are_kept_out_are_not_in_the_image(
    builder: RunningBuilder, busybox_image: str, ann: Pusher, app: App
) -> None:
    dockerfile = f"FROM {busybox_image}\nCOPY . /tree\nRUN ls -A /tree; echo done\n"
    files = {"Dockerfile": dockerfile, "secret.txt": "x", "kept.txt": "y", "tests/t": "z"}
    ann.commit({**files, ".dockerignore": "secret*\n", ".gitattributes": "tests export-ignore\n"})
    pushed = await ann.push()
    assert "kept.txt" in pushed.err
    assert "secret.txt" not in pushed.err
    assert "tests" not in pushed.err


async def test_branch_names_of_every_kind_are_only_names(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    commit = ann.commit({"Dockerfile": DOCKERFILE})
    branches = ("a;touch${IFS}x", "`id`", "$(id)", "'\"", "-", "ü🙂", "a|b&c")
    names = [f"refs/heads/{branch}" for branch in branches]
    pushed = await ann.push(*(f"master:{name}" for name in names))
    assert pushed.status == 0, pushed.err
    assert await builder.accepted(app) == dict.fromkeys(names, commit)


async def test_branches_that_exclude_each_other_are_refused_before_they_are_live(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit({"Dockerfile": DOCKERFILE})
    await ann.push("master:a")
    pushed = await ann.push("master:a/b")
    assert "refs/heads/a/b cannot be made" in pushed.err
    assert await builder.version(app) == 2


async def test_many_pushes_at_once_leave_one_truth(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit({"Dockerfile": DOCKERFILE})
    copies = []
    for turn in range(4):
        await ann.git("clone", "-q", str(ann.copy), f"c{turn}", cwd=ann.folder)
        await ann.git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty",
                      "-m", f"{turn}", cwd=ann.folder / f"c{turn}")  # fmt: skip
        copies.append(ann.folder / f"c{turn}")
    done = await asyncio.gather(
        *(ann.git("push", ann.url("hello"), "master", cwd=copy) for copy in copies)
    )
    taken = [copy for copy, one in zip(copies, done, strict=True) if one.status == 0]
    assert await builder.version(app) == 1 + len(taken) >= 2
    accepted = (await builder.accepted(app))["refs/heads/master"]
    listed = await ann.git("ls-remote", ann.url("hello"), "refs/heads/master")
    assert listed.out.split() == [accepted, "refs/heads/master"]


async def test_a_client_that_goes_in_the_middle_leaves_nothing_running(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    process = await asyncio.create_subprocess_exec(
        *ann.ssh_argv("git@127.0.0.1", "git-receive-pack 'hello.git'"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readuntil(b"0000")
    line = f"{'0' * 40} {'1' * 40} refs/heads/master\0 report-status side-band-64k\n".encode()
    process.stdin.write(b"%04x" % (len(line) + 4) + line + b"0000PACK\0\0\0\2\0\0\0\5")
    await process.stdin.drain()
    process.kill()
    await process.communicate()
    await eventually(lambda: not git_processes(builder))
    ann.commit({"Dockerfile": DOCKERFILE})
    assert (await ann.push()).status == 0


def git_processes(builder: RunningBuilder) -> list[str]:
    """Processes that work in one of the builder's repositories."""
    root = str(builder.settings.state_dir)
    found = []
    for folder in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if str(folder.readlink()).startswith(root):
                found.append(str(folder))
    return found


async def test_a_pack_beyond_the_limit_is_refused(builder: RunningBuilder, ann: Pusher) -> None:
    await builder.app("ann")
    builder.settings = replace(builder.settings, push_bytes=100_000)
    ann.commit({"Dockerfile": DOCKERFILE, "big": os.urandom(200_000)})
    async with builder.running():
        pushed = await ann.push()
    assert pushed.status == 1
    assert "pack exceeds maximum allowed size" in pushed.err


async def test_large_files_arrive_whole_in_both_directions(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    content = os.urandom(8_000_000)
    ann.commit({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n", "big": content})
    assert (await ann.push()).status == 0
    cloned = await ann.git("clone", "-q", ann.url("hello"), "clone", cwd=ann.folder)
    assert cloned.status == 0, cloned.err
    assert (ann.folder / "clone" / "big").read_bytes() == content


async def test_a_build_that_talks_a_lot_is_relayed_whole(
    builder: RunningBuilder, busybox_image: str, ann: Pusher, app: App
) -> None:
    ann.commit({"Dockerfile": f"FROM {busybox_image}\nRUN seq 1 20000\n"})
    pushed = await ann.push()
    assert pushed.status == 0
    assert all(f"\x1b[1G{number} " in pushed.err for number in (1, 10_000, 20_000))


async def test_a_bare_repository_has_nothing_that_runs(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit({"Dockerfile": DOCKERFILE, "hooks/pre-receive": "#!/bin/sh\ntouch /tmp/x\n"})
    await ann.push()
    path = builder.repository(app)
    assert not (path / "hooks").exists()
    listed = subprocess.run(["git", "-C", str(path), "config", "--local", "--list"],
                            capture_output=True, check=True).stdout.decode()  # fmt: skip
    assert set(listed.split()) == {
        "core.repositoryformatversion=0",
        "core.filemode=true",
        "core.bare=true",
    }

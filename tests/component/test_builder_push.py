"""`git push` from end to end, as its pusher sees it (builder.md sections 4, 5 and 8)."""

import asyncio
import re
import shutil
import signal
import subprocess
from typing import Any

import pytest

from deis_control.db.pool import Database
from deis_control.model import App
from tests.fixtures.builder import Done, Pusher, RunningBuilder
from tests.fixtures.registry import RegistryServer
from tests.fixtures.waiting import eventually

DOCKERFILE = 'FROM scratch\nEXPOSE 5000\nCOPY message /message\nCMD ["/none"]\n'
TREE = {"Dockerfile": DOCKERFILE, "Procfile": "web: exec 'serve' it\n", "message": "one\n"}


@pytest.fixture
async def ann(builder: RunningBuilder) -> Pusher:
    return await builder.pusher("ann")


@pytest.fixture
async def app(builder: RunningBuilder, ann: Pusher) -> App:
    return await builder.app("ann")


def seen(done: Done) -> list[str]:
    """The lines that the pusher reads, without git's and the terminal's decoration."""
    lines = [line for line in done.err.splitlines() if line.startswith("remote: ")]
    return [re.sub(r"^remote: (\x1b\[1G)?|\x1b\[K", "", line).rstrip() for line in lines]


async def rows(database: Database, query: str) -> list[dict[str, Any]]:
    async with database.connection() as conn:
        return [dict(row) for row in await conn.fetch(query)]


async def git_refs(builder: RunningBuilder, app: App) -> dict[str, str]:
    """The refs in the repository on disk, read by git itself."""
    out = subprocess.run(
        ["git", "-C", str(builder.repository(app)), "show-ref"], capture_output=True, check=False
    ).stdout.decode()
    return {name: sha for sha, name in (line.split(" ") for line in out.splitlines())}


async def test_a_push_becomes_a_release(builder: RunningBuilder, ann: Pusher, app: App) -> None:
    commit = ann.commit(TREE)
    pushed = await ann.push()
    assert pushed.status == 0, pushed.err
    assert await builder.version(app) == 2
    assert await builder.accepted(app) == {"refs/heads/master": commit}
    assert await git_refs(builder, app) == {"refs/heads/master": commit}


async def test_the_pusher_reads_the_contracts_lines_in_order(ann: Pusher, app: App) -> None:
    ann.commit(TREE)
    pushed = await ann.push()
    lines = seen(pushed)
    assert lines[:2] == ["", "-----> Building Docker image"]
    pushing = lines.index("-----> Pushing image to private registry")
    assert any(line.startswith("Successfully tagged 127.0.0.1:") for line in lines[2:pushing])
    assert lines[pushing + 1 :] == [
        "-----> Launching...",
        "       done, hello:v2 deployed to Deis",
        "",
        "       http://hello.example.com:8080",
        "",
        "       To learn more, use `deis help` or visit http://deis.io",
        "",
    ]
    assert "remote: \x1b[1G-----> Launching... " in pushed.err


async def test_the_build_is_the_commits(builder: RunningBuilder, ann: Pusher, app: App) -> None:
    commit = ann.commit(TREE)
    await ann.push()
    (build,) = await rows(builder.database, "SELECT * FROM builds")
    assert (build["sha"], build["image"], build["dockerfile"]) == (commit[:8], "hello", "true")
    assert build["procfile"] == {"web": "exec 'serve' it"}
    assert build["reference"] == await builder.images.find_image("hello", commit[:8])
    info = await builder.docker.image(build["reference"])
    assert info is not None
    assert info.exposed_ports == ((5000, "tcp"),)


async def test_the_commit_is_in_the_images_environment(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    commit = ann.commit(TREE)
    await ann.push()
    name = await builder.docker.create(
        "look", {"Image": builder.images.tagged("hello", f"git-{commit[:8]}")}
    )
    info = await builder.docker.inspect(name)
    assert f"GIT_SHA={commit}" in info.env


async def test_a_push_is_noted(builder: RunningBuilder, ann: Pusher, app: App) -> None:
    commit = ann.commit(TREE)
    await ann.push()
    (push,) = await rows(builder.database, "SELECT * FROM pushes")
    assert (push["sha"], push["receive_user"], push["receive_repo"]) == (commit, "ann", "hello")
    assert push["ssh_original_command"] == "git-receive-pack 'hello.git'"
    assert re.fullmatch(r"127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+", push["ssh_connection"])


async def test_the_next_push_is_the_next_release(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    await ann.push()
    second = ann.commit({"message": "two\n"})
    assert "hello:v3 deployed" in (await ann.push()).err
    assert await git_refs(builder, app) == {"refs/heads/master": second}


async def test_a_push_of_what_is_there_does_nothing(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    await ann.push()
    again = await ann.push()
    assert (again.status, again.err) == (0, "Everything up-to-date\n")
    assert await builder.version(app) == 2


async def test_an_empty_commit_and_a_forced_push_are_released(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    first = ann.commit(TREE)
    await ann.push()
    ann.commit()
    await ann.push()
    await ann.git("reset", "--hard", first)
    assert (await ann.push()).status == 1
    assert (await ann.push(force=True)).status == 0
    assert await builder.version(app) == 4


async def test_every_branch_and_tag_is_deployed(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    commit = ann.commit(TREE)
    pushed = await ann.push("master", "master:refs/tags/v1", "master:topic/a")
    assert pushed.status == 0, pushed.err
    assert await builder.version(app) == 4
    names = ("refs/heads/master", "refs/heads/topic/a", "refs/tags/v1")
    assert await git_refs(builder, app) == dict.fromkeys(names, commit)


async def test_an_annotated_tag_deploys_its_commit(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    commit = ann.commit(TREE)
    await ann.git("-c", "user.name=A", "-c", "user.email=a@b", "tag", "-a", "-m", "x", "v1")
    assert (await ann.push("v1")).status == 0
    assert (await rows(builder.database, "SELECT sha FROM builds")) == [{"sha": commit[:8]}]
    assert (await builder.accepted(app)).keys() == {"refs/tags/v1"}


async def declined(builder: RunningBuilder, ann: Pusher, app: App, *refs: str) -> list[str]:
    """Push what must not be taken, and what the pusher reads then."""
    before = await builder.accepted(app)
    pushed = await ann.push(*refs)
    assert pushed.status == 1
    assert "declined" in pushed.err
    assert await builder.accepted(app) == before
    assert await git_refs(builder, app) == before
    return seen(pushed)


async def test_a_tree_without_dockerfile_is_declined(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit({"README": "x"})
    lines = await declined(builder, ann, app)
    assert lines[0] == " !     No Dockerfile in the root of the tree."


async def test_a_bad_procfile_is_declined_before_the_build(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit({**TREE, "Procfile": "web: a: b\n"})
    lines = await declined(builder, ann, app)
    assert lines == [" !     Procfile: line 1: mapping values are not allowed here"]


async def test_a_build_that_fails_tells_why(builder: RunningBuilder, ann: Pusher, app: App) -> None:
    ann.commit({**TREE, "Dockerfile": "FROM scratch\nCOPY nothing /\n"})
    lines = await declined(builder, ann, app)
    assert "Step 2/3 : COPY nothing /" in lines
    assert lines[-1].startswith(" !     The build failed: COPY failed")


async def test_another_apps_image_is_not_built_upon(
    builder: RunningBuilder, ann: Pusher, app: App, registry_server: RegistryServer
) -> None:
    base = f"localhost:{registry_server.port}/other:v1"
    ann.commit({"Dockerfile": f"ARG BASE={base}\nFROM $BASE\n"})
    lines = await declined(builder, ann, app)
    reason = f"The Dockerfile takes {base}, which may be an image of another app."
    assert lines[-1] == f" !     {reason}"


async def test_a_rollout_that_fails_tells_why_and_the_same_push_may_succeed(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    commit = ann.commit(TREE)
    builder.leader.reason = "web.1 exited with code 1\npanic: no database"
    lines = await declined(builder, ann, app)
    assert lines[-2:] == [" !     web.1 exited with code 1", "       panic: no database"]
    assert await builder.version(app) == 1
    builder.leader.reason = None
    assert "hello:v3 deployed" in (await ann.push()).err
    assert await git_refs(builder, app) == {"refs/heads/master": commit}


async def test_a_ref_cannot_be_deleted(builder: RunningBuilder, ann: Pusher, app: App) -> None:
    ann.commit(TREE)
    await ann.push()
    lines = await declined(builder, ann, app, ":master")
    assert lines == [" !     refs/heads/master cannot be deleted: it names what the app runs"]


async def test_the_first_failure_of_many_refs_declines_all(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    await ann.git("branch", "good")
    bad = ann.commit({"Dockerfile": "FROM scratch\nCOPY nothing /\n"})
    pushed = await ann.push("good", "master")
    assert pushed.status == 1
    assert pushed.err.count("pre-receive hook declined") == 2
    assert bad not in (await builder.accepted(app)).values()
    await eventually(lambda: matches(builder, app))


async def matches(builder: RunningBuilder, app: App) -> bool:
    """Whether the repository's refs are the accepted ones."""
    return dict(await builder.accepted(app)) == await git_refs(builder, app)


async def test_a_second_push_is_told_that_one_is_ongoing(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    builder.leader.paused = True
    ann.commit(TREE)
    first = ann.start_push()
    await eventually(lambda: queued(builder))
    second = await ann.push("master:other")
    assert second.status == 1
    assert "\x1b[1GAnother git push is ongoing. Aborting..." in second.err
    builder.leader.paused = False
    await asyncio.to_thread(first.communicate, timeout=30)
    assert first.returncode == 0
    assert (await builder.accepted(app)).keys() == {"refs/heads/master"}


async def queued(builder: RunningBuilder) -> bool:
    return bool(await rows(builder.database, "SELECT 1 FROM operations"))


async def test_different_apps_are_pushed_at_the_same_time(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    await builder.app("ann", "other")
    ann.commit(TREE)
    both = await asyncio.gather(ann.push(), ann.push(app="other"))
    assert [one.status for one in both] == [0, 0]


async def test_a_pusher_who_leaves_does_not_stop_his_push(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    builder.leader.paused = True
    commit = ann.commit(TREE)
    push = ann.start_push()
    await eventually(lambda: queued(builder))
    interrupt(push)
    builder.leader.paused = False
    await eventually(lambda: matches_commit(builder, app, commit))
    assert await builder.version(app) == 2
    assert (await ann.push()).err == "Everything up-to-date\n"


def interrupt(push: "subprocess.Popen[bytes]") -> None:
    """Press Ctrl-C: git and its ssh get the signal."""
    import os

    os.killpg(push.pid, signal.SIGINT)
    push.communicate(timeout=30)


async def matches_commit(builder: RunningBuilder, app: App, commit: str) -> bool:
    return await git_refs(builder, app) == {"refs/heads/master": commit}


async def test_a_pusher_who_leaves_during_the_build_does_not_stop_it(
    builder: RunningBuilder, busybox_image: str, ann: Pusher, app: App
) -> None:
    commit = ann.commit({"Dockerfile": f"FROM {busybox_image}\nRUN sleep 1; echo built\n"})
    push = ann.start_push()
    await eventually(lambda: builds(builder))
    interrupt(push)
    await eventually(lambda: matches_commit(builder, app, commit), within=30)


async def builds(builder: RunningBuilder) -> bool:
    return any(found.status.startswith("Up") for found in await builder.docker.list({}))


async def test_a_lost_repository_is_filled_by_the_next_push(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    await ann.push()
    shutil.rmtree(builder.repository(app))
    second = ann.commit({"message": "two\n"})
    pushed = await ann.push()
    assert pushed.status == 0, pushed.err
    assert await git_refs(builder, app) == {"refs/heads/master": second}


async def test_a_repository_without_the_accepted_objects_is_filled_too(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    await ann.push()
    shutil.rmtree(builder.repository(app) / "objects")
    (builder.repository(app) / "objects").mkdir()
    second = ann.commit({"message": "two\n"})
    async with builder.running():
        pushed = await ann.push()
    assert pushed.status == 0, pushed.err
    assert await git_refs(builder, app) == {"refs/heads/master": second}


async def test_refs_on_disk_follow_the_accepted_ones(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    first = ann.commit(TREE)
    await ann.push()
    ann.commit({"message": "two\n"})
    await ann.push()
    async with builder.database.connection() as conn:
        await conn.execute("UPDATE refs SET sha = $1", first)
    listed = await ann.git("ls-remote", ann.url("hello"))
    assert listed.out == f"{first}\tHEAD\n{first}\trefs/heads/master\n"


async def test_a_push_from_a_shallow_clone_is_told_so(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    ann.commit({"message": "two\n"})
    await ann.git("clone", "-q", "--depth", "1", f"file://{ann.copy}", "shallow", cwd=ann.folder)
    pushed = await ann.git("push", ann.url("hello"), "master", cwd=ann.folder / "shallow")
    assert "The push comes from a shallow clone" in pushed.err
    assert await builder.version(app) == 1
    assert (await ann.push()).status == 0

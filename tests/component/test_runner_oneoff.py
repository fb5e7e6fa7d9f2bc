"""One-off commands on a host: a real Docker Engine and a real etcd, and no leader."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from deis_node.cluster import keys
from deis_node.cluster.etcd import DeletePrefix
from deis_node.cluster.oneoffs import open_output, seal_command
from deis_node.cluster.records import Phase, Placement, PlacementState, RunEnd
from deis_node.containers import spec
from deis_node.containers.oneoffs import Begun, Found, OneOffs
from deis_node.containers.spec import Place
from tests.builders import make_placement
from tests.fixtures.docker import build_image
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.runner import HOST, PLATFORM, Agent
from tests.fixtures.waiting import eventually

LOOP = "trap 'echo told; exit 9' TERM; echo begun; while :; do sleep 0.1; done"


def command(agent: Agent, image: str, text: str, **facts: Any) -> Placement:
    """A placement of `hello_v2.run.1` as the leader makes it."""
    made = make_placement(
        **{
            "type": "run",
            "image": image,
            "uuid": str(uuid4()),
            "command": None,
            "entrypoint": ("/bin/sh", "-c"),
            "grace": 5,
        }
        | facts
    )
    return replace(made, sealed=seal_command(agent.ring, made.copy, (text,)))


async def end_of(agent: Agent, placed: Placement) -> RunEnd | None:
    found = await agent.etcd.get(keys.run_end(placed.app, placed.copy.container))
    end = None if found is None else RunEnd.from_bytes(found.value)
    return end if end is not None and end.uuid == placed.uuid else None


async def result(agent: Agent, placed: Placement, *, within: float = 20) -> tuple[RunEnd, bytes]:
    """How the command ended and what it wrote, as the leader reads it."""

    async def ended() -> bool:
        instance = await agent.instance(placed)
        over = instance is not None and instance.phase is Phase.ENDED
        return over and await end_of(agent, placed) is not None

    await eventually(ended, within=within)
    end = await end_of(agent, placed)
    assert end is not None
    container = placed.copy.container
    found = [
        await agent.etcd.get(keys.run_output(placed.app, container, n)) for n in range(end.pieces)
    ]
    pieces = [kv.value for kv in found if kv is not None]
    assert all(len(piece) <= 512 * 1024 for piece in pieces)
    return end, open_output(agent.ring, placed.app, placed.uuid, pieces)


async def runs(agent: Agent, placed: Placement) -> bool:
    return placed.copy.container in await agent.containers()


async def all_containers(agent: Agent) -> list[str]:
    return [item.name for item in await agent.docker.list({"deis.platform": PLATFORM})]


async def test_exit_code_and_output_come_back_byte_for_byte(
    agent: Agent, busybox_image: str
) -> None:
    text = "printf 'one\\ntwo\\n\\n\\nthree \\303\\244'; exit 3"
    placed = command(agent, busybox_image, text)
    await agent.start()
    await agent.place(placed)
    end, output = await result(agent, placed)
    assert (end.code, end.error, end.truncated) == (3, None, False)
    assert output == "one\ntwo\n\n\nthree ä".encode()
    assert end.started is not None
    assert end.finished is not None


async def test_an_exit_code_of_255_is_one_like_any_other(agent: Agent, busybox_image: str) -> None:
    placed = command(agent, busybox_image, "exit 255")
    await agent.start()
    await agent.place(placed)
    end, _ = await result(agent, placed)
    assert (end.code, end.error) == (255, None)


async def test_both_streams_come_back(agent: Agent, busybox_image: str) -> None:
    placed = command(agent, busybox_image, "echo one; echo two >&2; echo three")
    await agent.start()
    await agent.place(placed)
    _, output = await result(agent, placed)
    assert sorted(output.splitlines(keepends=True)) == [b"one\n", b"three\n", b"two\n"]


async def test_a_command_arrives_unchanged_and_has_the_config(
    agent: Agent, busybox_image: str
) -> None:
    text = 'printf \'%s|\' "$GREETING" "$DEIS_APP" "$DEIS_RELEASE" \'a"b\' \'$x\\`y`\n z\''
    await agent.set_env("hello", 2, '{"GREETING": "it\'s $HOME\\n!"}')
    placed = command(agent, busybox_image, text, env="hello/2")
    await agent.start()
    await agent.place(placed)
    end, output = await result(agent, placed)
    assert end.code == 0
    assert output.decode() == "it's $HOME\n!|hello|v2|a\"b|$x\\`y`\n z|"


async def test_the_images_own_entrypoint_is_replaced(agent: Agent, busybox_image: str) -> None:
    dockerfile = f'FROM {busybox_image}\nENTRYPOINT ["/bin/echo", "wrong"]\n'
    await build_image(agent.docker, "deis-test/entry:latest", dockerfile)
    placed = command(agent, "deis-test/entry:latest", "echo right")
    await agent.start()
    await agent.place(placed)
    assert (await result(agent, placed))[1] == b"right\n"


async def test_long_lines_without_an_end_come_back_whole(agent: Agent, busybox_image: str) -> None:
    placed = command(agent, busybox_image, "yes 0123456789 | tr -d '\\n' | head -c 100000")
    await agent.start()
    await agent.place(placed)
    _, output = await result(agent, placed)
    assert output == (b"0123456789" * 10000)


async def test_only_the_end_of_much_output_is_kept_in_several_pieces(
    agent: Agent, busybox_image: str
) -> None:
    agent.runner_settings = replace(agent.runner_settings, run_output=1024 * 1024)
    placed = command(agent, busybox_image, "seq 1 300000; printf last")
    await agent.start()
    await agent.place(placed)
    end, output = await result(agent, placed)
    assert end.truncated
    assert end.pieces == 3
    whole = "".join(f"{n}\n" for n in range(1, 300001)).encode() + b"last"
    assert output == whole[-1024 * 1024 :]


async def test_neither_arguments_nor_output_lie_open_in_the_store(
    agent: Agent, busybox_image: str
) -> None:
    placed = command(agent, busybox_image, "echo $((40000 + 2)) # secret-word")
    await agent.start()
    await agent.place(placed)
    assert (await result(agent, placed))[1] == b"40002\n"
    values = [kv.value for kv in (await agent.etcd.list(keys.ROOT)).items]
    assert not any(b"secret-word" in value or b"40002" in value for value in values)
    saved = b"".join(path.read_bytes() for path in agent.folder.iterdir())
    assert b"secret-word" not in saved


async def test_a_command_is_not_started_again_and_stays_until_the_leader_is_done(
    agent: Agent, busybox_image: str
) -> None:
    placed = command(agent, busybox_image, "echo once; exit 1")
    await agent.start()
    await agent.place(placed)
    first = await result(agent, placed)
    await agent.stop()
    await agent.start()

    def looked_at() -> bool:
        view = agent.runner.copies.get(placed.copy.container)
        return view is not None and view.phase is Phase.ENDED

    await eventually(looked_at)
    info = await agent.docker.inspect(placed.copy.container)
    assert info.started_at == first[0].started
    assert await result(agent, placed) == first
    await agent.place(replace(placed, state=PlacementState.STOP))

    async def stopped() -> bool:
        instance = await agent.instance(placed)
        return instance is not None and instance.phase is Phase.STOPPED

    await eventually(stopped)
    assert await all_containers(agent) == []


async def test_an_agent_that_was_away_at_the_end_hands_over_what_was_left(
    agent: Agent, busybox_image: str
) -> None:
    placed = command(agent, busybox_image, "echo before; sleep 1; echo after; exit 7")
    await agent.start()
    await agent.place(placed)
    await eventually(lambda: runs(agent, placed))
    await agent.stop()

    async def over() -> bool:
        return not await runs(agent, placed)

    await eventually(over)
    await agent.start()
    end, output = await result(agent, placed)
    assert (end.code, output) == (7, b"before\nafter\n")


async def test_a_lost_container_is_told_and_the_command_not_run_again(
    agent: Agent, busybox_image: str
) -> None:
    placed = command(agent, busybox_image, "sleep 60")
    await agent.start()
    await agent.place(placed)
    await eventually(lambda: runs(agent, placed))
    await agent.docker.remove(placed.copy.container, force=True)
    end, output = await result(agent, placed)
    assert (end.code, output) == (None, b"")
    assert end.error == "its container is gone from the host"
    assert await all_containers(agent) == []


async def lose_everything(agent: Agent, placed: Placement) -> None:
    """Have the command run and be told of, then end the agent and take away all it had."""
    await agent.start()
    await agent.place(placed)

    async def told() -> bool:
        instance = await agent.instance(placed)
        return instance is not None and instance.phase is Phase.RUNNING

    await eventually(told)
    await agent.stop()
    await agent.docker.remove(placed.copy.container, force=True)
    for path in agent.folder.iterdir():
        path.unlink()


async def test_a_host_that_lost_everything_does_not_run_it_again(
    agent: Agent, busybox_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = OneOffs.ask

    async def late(oneoffs: OneOffs, *words: Any) -> Found:
        await asyncio.sleep(0.5)  # Everybody else on the host is quicker.
        return await asked(oneoffs, *words)

    placed = command(agent, busybox_image, "sleep 60")
    await lose_everything(agent, placed)
    monkeypatch.setattr(OneOffs, "ask", late)
    await agent.start()
    end, _ = await result(agent, placed)
    assert end.error == "its container is gone from the host"


async def test_nor_when_its_end_could_not_be_handed_over_the_first_time(
    agent: Agent, busybox_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    async def refused(*_: Any) -> bool:
        tried.set()
        return False

    placed = command(agent, busybox_image, "sleep 60")
    await lose_everything(agent, placed)
    with monkeypatch.context() as patch:
        patch.setattr(OneOffs, "hand_over", refused)
        await agent.start()
        await asyncio.wait_for(tried.wait(), 20)
        await asyncio.sleep(0.5)  # Everybody else on the host is quicker.
        await agent.stop()
    await agent.start()
    end, _ = await result(agent, placed)
    assert end.error == "its container is gone from the host"


async def test_a_command_that_was_given_up_before_it_began_is_confirmed(
    agent: Agent, busybox_image: str
) -> None:
    placed = replace(command(agent, busybox_image, "echo never"), state=PlacementState.STOP)
    await agent.place(placed)
    await agent.start()

    async def stopped() -> bool:
        instance = await agent.instance(placed)
        return instance is not None and instance.phase is Phase.STOPPED

    await eventually(stopped)
    assert await all_containers(agent) == []


async def test_a_start_that_was_interrupted_is_not_made_up_for(
    agent: Agent, busybox_image: str
) -> None:
    placed = command(agent, busybox_image, "echo twice")
    begun = Begun({placed.copy.container: placed.uuid})
    agent.folder.mkdir()
    (agent.folder / "runs.json").write_bytes(begun.to_bytes())
    place = Place(PLATFORM, HOST, agent.address)
    body = spec.body(replace(placed, command=("echo twice",)), {}, place, None, spec.Logging())
    await agent.docker.create(placed.copy.container, body)
    await agent.place(placed)
    await agent.start()
    end, output = await result(agent, placed, within=30)
    assert end.error == "its start was interrupted; whether it ran is not known"
    assert output == b""


async def test_withdrawn_it_ends_and_its_output_is_handed_over(
    agent: Agent, busybox_image: str
) -> None:
    placed = command(agent, busybox_image, LOOP)
    await agent.start()
    await agent.place(placed)

    async def begun() -> bool:
        running = await runs(agent, placed)
        return running and b"begun" in (await agent.docker.output("hello_v2.run.1", 100)).data

    await eventually(begun)
    await agent.place(replace(placed, state=PlacementState.WITHDRAW))
    end, output = await result(agent, placed)
    assert (end.code, output) == (9, b"begun\ntold\n")


async def test_withdrawn_before_its_start_it_never_starts(agent: Agent, busybox_image: str) -> None:
    placed = command(agent, busybox_image, "echo no", state=PlacementState.WITHDRAW)
    await agent.place(placed)
    await agent.start()
    end, _ = await result(agent, placed)
    assert (end.code, end.error) == (None, "it was not started")
    assert await all_containers(agent) == []


async def test_what_cannot_be_started_is_told_at_once(agent: Agent, bare_image: str) -> None:
    placed = command(agent, bare_image, "echo no")
    await agent.start()
    await agent.place(placed)
    end, _ = await result(agent, placed)
    assert end.code is None
    assert "/bin/sh" in str(end.error)


async def test_a_result_is_handed_over_again_to_a_store_that_lost_it(
    agent: Agent, busybox_image: str, etcd_server: EtcdMember
) -> None:
    placed = command(agent, busybox_image, "echo kept; exit 4")
    await agent.start()
    await agent.place(placed)
    first = await result(agent, placed)
    etcd_server.wipe()
    await agent.place(placed)
    await agent.found("two", "one")
    again = await result(agent, placed)
    assert again == first


async def test_another_command_of_the_same_name_is_another_command(
    agent: Agent, busybox_image: str
) -> None:
    earlier = command(agent, busybox_image, "echo earlier")
    await agent.start()
    await agent.place(earlier)
    await result(agent, earlier)
    await agent.stop()
    await agent.etcd.txn((), [DeletePrefix(keys.RUNS), DeletePrefix(keys.INSTANCES)])
    later = command(agent, busybox_image, "echo later")
    await agent.place(later)
    await agent.start()
    assert (await result(agent, later))[1] == b"later\n"


async def test_many_at_once_each_have_their_own_result(agent: Agent, busybox_image: str) -> None:
    placed = [command(agent, busybox_image, f"echo {n}; exit {n}", num=n) for n in range(1, 11)]
    await agent.start()
    await agent.place(*placed)
    found = await asyncio.gather(*(result(agent, item, within=60) for item in placed))
    assert [(end.code, output) for end, output in found] == [
        (n, f"{n}\n".encode()) for n in range(1, 11)
    ]

"""A few starts at a time, in order, and nobody is held up for ever."""

import asyncio

from deis_node.containers.gate import Gate


class Crowd:
    """Some who want to pass, and hold their places until they are told to leave."""

    def __init__(self, gate: Gate, group: asyncio.TaskGroup, count: int) -> None:
        self.inside: list[int] = []
        self._leave = [asyncio.Event() for _ in range(count)]
        for number in range(count):
            group.create_task(self._come(gate, number))

    async def _come(self, gate: Gate, number: int) -> None:
        async with gate.passed():
            self.inside.append(number)
            await self._leave[number].wait()
        self.inside.remove(number)

    async def leave(self, *numbers: int) -> list[int]:
        """Let these go; who is inside when everybody else has moved."""
        for number in numbers:
            self._leave[number].set()
        for _ in range(10):
            await asyncio.sleep(0)
        return self.inside


async def test_so_many_pass_at_a_time_in_the_order_of_their_coming() -> None:
    async with asyncio.TaskGroup() as group:
        crowd = Crowd(Gate(2, 60), group, 5)
        assert await crowd.leave() == [0, 1]
        assert await crowd.leave(1) == [0, 2]
        assert await crowd.leave(0, 2) == [3, 4]
        assert await crowd.leave(3, 4) == []


async def test_those_who_hang_hold_up_nobody_for_longer_than_the_patience() -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        crowd = Crowd(Gate(1, 0.05), group, 3)
        while sorted(await crowd.leave()) != [0, 1, 2]:
            await asyncio.sleep(0.01)
        assert await crowd.leave(0, 1, 2) == []


async def test_who_passed_without_a_place_gives_none_back() -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        gate = Gate(1, 0.05)
        crowd = Crowd(gate, group, 2)
        while sorted(await crowd.leave()) != [0, 1]:
            await asyncio.sleep(0.01)
        await crowd.leave(1)
        assert await crowd.leave(0) == []
        later = Crowd(gate, group, 2)
        assert await later.leave() == [0]
        assert await later.leave(0) == [1]
        await later.leave(1)


async def test_what_fails_inside_gives_its_place_back() -> None:
    gate = Gate(1, 60)
    for _ in range(3):
        try:
            async with gate.passed():
                raise ValueError
        except ValueError:
            pass
    async with asyncio.timeout(1), gate.passed():
        pass

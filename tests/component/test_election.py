"""Elections against a real server: one leader, fenced, replaced when it goes or falls silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deis_node.cluster.election import Election, Term
from deis_node.cluster.etcd import Etcd, Put, Unavailable, absent
from deis_node.cluster.records import Leader
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.lost_answers import Line
from tests.fixtures.proxy import relay
from tests.fixtures.waiting import eventually

TTL = 2
KEY = "/deis/control/leader"


@pytest.fixture
async def quick(etcd_server: EtcdMember, etcd: Etcd) -> AsyncIterator[Etcd]:
    """A client whose deadlines fit into a lease of two seconds."""
    async with Etcd([etcd_server.endpoint], timeout=0.4) as client:
        yield client


class Candidate:
    """A process that leads until it is told to resign or loses its term."""

    def __init__(self, etcd: Etcd, name: str) -> None:
        self.election = Election(etcd, name, TTL)
        self.name = name
        self.raised = 0
        self.term: Term | None = None
        self.resign = asyncio.Event()

    async def run(self) -> None:
        async with self.election.campaign(self._value) as term:
            self.term = term
            async with asyncio.TaskGroup() as group:
                waits = [group.create_task(e.wait()) for e in (self.resign, term.lost)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()

    async def _value(self) -> bytes:
        self.raised += 1
        return Leader(self.name, self.raised).to_bytes()

    async def elected(self) -> Term:
        await eventually(lambda: self.term is not None, within=20)
        assert self.term is not None
        return self.term


@asynccontextmanager
async def running(*candidates: Candidate) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(candidate.run()) for candidate in candidates]
        yield
        for task in tasks:
            task.cancel()


async def test_a_lone_candidate_leads_with_its_value(quick: Etcd) -> None:
    one = Candidate(quick, "one")
    async with running(one):
        term = await one.elected()
        kv = await quick.get(KEY)
        assert kv is not None
        assert (kv.value, kv.create_revision) == (Leader("one", 1).to_bytes(), term.revision)


async def test_a_second_candidate_leads_when_the_first_resigns(quick: Etcd) -> None:
    one, two = Candidate(quick, "one"), Candidate(quick, "two")
    async with running(one):
        first = await one.elected()
        async with running(two):
            await asyncio.sleep(0.3)  # as long as a wrong election would take
            assert (two.term, two.raised) == (None, 0)
            one.resign.set()
            second = await two.elected()
    assert second.revision > first.revision


def _leaders(candidates: list[Candidate]) -> list[Candidate]:
    return [c for c in candidates if c.term is not None and not c.resign.is_set()]


async def test_of_many_candidates_one_leads_at_a_time(quick: Etcd) -> None:
    many = [Candidate(quick, str(number)) for number in range(5)]
    async with running(*many):
        for _ in many:
            await eventually(lambda: len(_leaders(many)) == 1)
            _leaders(many)[0].resign.set()
    assert [candidate.raised for candidate in many] == [1] * 5


async def test_a_silent_leader_knows_its_end_and_is_replaced(
    etcd_server: EtcdMember, quick: Etcd
) -> None:
    async with relay(etcd_server.endpoint) as line, Etcd([line.endpoint], timeout=0.4) as away:
        one, two = Candidate(away, "one"), Candidate(quick, "two")
        async with running(one):
            first = await one.elected()
            async with running(two):
                line.freeze()
                await asyncio.wait_for(first.lost.wait(), TTL * 3)
                assert two.term is None
                await two.elected()
                line.thaw()


async def died_leading(etcd: Etcd, name: str) -> None:
    """What a process leaves behind that led and was killed: its key, for as long as its lease."""
    lease = await etcd.grant(600)
    await etcd.txn([], [Put(KEY, Leader(name, 1).to_bytes(), lease)])


async def test_a_leader_that_was_killed_leads_again_as_soon_as_it_is_back(quick: Etcd) -> None:
    await died_leading(quick, "one")
    one = Candidate(quick, "one")
    async with running(one):
        await one.elected()


async def test_another_leaders_term_is_not_ended(quick: Etcd) -> None:
    await died_leading(quick, "two")
    one = Candidate(quick, "one")
    async with running(one):
        await asyncio.sleep(0.5)  # as long as a wrong election would take
        assert one.term is None


async def test_two_of_one_name_do_not_end_each_others_terms_for_ever(quick: Etcd) -> None:
    older, younger = Candidate(quick, "one"), Candidate(quick, "one")
    async with running(older):
        first = await older.elected()
        async with running(younger):
            second = await younger.elected()
            await asyncio.wait_for(first.lost.wait(), 5)
            older.term = None
            async with running(older):
                await asyncio.sleep(0.5)  # as long as a wrong election would take
                assert not second.lost.is_set()
                assert older.term is None


async def test_the_guard_holds_during_the_term_only(quick: Etcd) -> None:
    one, two = Candidate(quick, "one"), Candidate(quick, "two")
    async with running(one):
        first = await one.elected()
        assert (await first.txn((), [Put("/a", b"1")])).succeeded
        one.resign.set()
        async with running(two):
            second = await two.elected()
            assert not (await first.txn((), [Put("/a", b"2")])).succeeded
            assert first.lost.is_set()
            assert (await second.txn((), [Put("/a", b"3")])).succeeded


async def test_what_was_sent_before_a_fence_is_refused_and_the_term_goes_on(
    quick: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Candidate(quick, "one"), Candidate(quick, "two")
    async with running(one):
        term = await one.elected()
        async with running(two):
            line = Line(quick, monkeypatch)
            line.late = True
            with pytest.raises(Unavailable):
                await term.txn((), [Put("/a", b"1")])
            assert await term.fence()
            assert not (await line.arrive()).succeeded
            assert (await term.txn((), [Put("/a", b"2")])).succeeded
            await asyncio.sleep(0.5)  # as long as a wrong election would take
            assert (two.term, term.lost.is_set()) == (None, False)
            kv = await quick.get(KEY)
            assert kv is not None
            assert kv.value == Leader("one", 1).to_bytes()


async def test_a_fence_that_arrives_late_costs_no_write(
    quick: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Candidate(quick, "one")
    async with running(one):
        term = await one.elected()
        line = Line(quick, monkeypatch)
        line.late = True
        with pytest.raises(Unavailable):
            await term.fence()
        assert (await line.arrive()).succeeded
        assert (await term.txn((), [Put("/a", b"1")])).succeeded
        assert await term.fence()
        assert not (await line.arrive()).succeeded
        assert (await term.txn((), [Put("/a", b"2")])).succeeded
        assert not term.lost.is_set()


async def test_a_condition_that_does_not_hold_is_no_end_of_the_term(quick: Etcd) -> None:
    one = Candidate(quick, "one")
    async with running(one):
        term = await one.elected()
        assert not (await term.txn([absent(KEY)], [Put("/a", b"1")])).succeeded
        assert not term.lost.is_set()


async def test_a_term_that_is_over_cannot_be_fenced(quick: Etcd) -> None:
    one, two = Candidate(quick, "one"), Candidate(quick, "two")
    async with running(one):
        first = await one.elected()
        one.resign.set()
        async with running(two):
            second = await two.elected()
            assert not await first.fence()
            assert not await first.is_held()
            assert await second.is_held()
            assert first.lost.is_set()
            assert (await second.txn((), [Put("/a", b"1")])).succeeded


async def test_a_store_that_went_back_behind_a_fence_ends_the_term(
    etcd_server: EtcdMember, quick: Etcd, tmp_path: Path
) -> None:
    lease = await quick.grant(600)
    await quick.put(KEY, Leader("one", 1).to_bytes(), lease)
    holder = await quick.get(KEY)
    assert holder is not None
    term = Term(quick, holder)
    await asyncio.to_thread(etcd_server.save, tmp_path / "snapshot")
    assert await term.fence()
    await asyncio.to_thread(etcd_server.restore, tmp_path / "snapshot")
    async with asyncio.timeout(5):
        assert not await term.fence()
    assert term.lost.is_set()


async def test_a_deleted_key_ends_the_term(quick: Etcd) -> None:
    one = Candidate(quick, "one")
    async with running(one):
        term = await one.elected()
        await quick.delete(KEY)
        await asyncio.wait_for(term.lost.wait(), 5)


async def test_a_wiped_store_ends_the_term(etcd_server: EtcdMember, quick: Etcd) -> None:
    one = Candidate(quick, "one")
    async with running(one):
        term = await one.elected()
        await asyncio.to_thread(etcd_server.wipe)
        await asyncio.wait_for(term.lost.wait(), 10)


async def test_a_short_restart_of_etcd_keeps_the_leader(
    etcd_server: EtcdMember, quick: Etcd
) -> None:
    one = Candidate(quick, "one")
    async with running(one):
        term = await one.elected()
        await asyncio.to_thread(etcd_server.restart)
        await eventually(lambda: etcd_server.watchers() >= 1)
        assert not term.lost.is_set()


async def test_a_candidate_waits_for_etcd(etcd_server: EtcdMember, quick: Etcd) -> None:
    one = Candidate(quick, "one")
    await asyncio.to_thread(etcd_server.kill)
    async with running(one):
        await asyncio.to_thread(etcd_server.start)
        await one.elected()


async def test_a_value_that_cannot_be_had_resigns(quick: Etcd) -> None:
    async def failing() -> bytes:
        raise ValueError("no database")

    with pytest.raises(ValueError, match="no database"):
        async with Election(quick, "one", TTL).campaign(failing):
            pass
    assert await quick.get(KEY) is None

"""The choice of hosts for many copies at once is the plain one, copy by copy."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from deis_control.scheduler.feasible import Choice, choose_hosts
from deis_control.scheduler.rooms import Need
from deis_control.scheduler.world import SHARES, HostSeen
from deis_node.cluster.names import CopyName
from tests.plain_choice import plain_choice
from tests.worlds import make_copy

MIB = 1 << 20
TYPES = ("web", "worker")

_hosts = st.lists(
    st.builds(
        HostSeen,
        name=st.from_regex(r"[a-f][0-9]", fullmatch=True),
        memory=st.sampled_from([0, 100 * MIB, 300 * MIB]),
        cpus=st.sampled_from([0.0, 1.0, 2.0, 4.0]),
        tags=st.fixed_dictionaries(
            {},
            optional={"zone": st.sampled_from(["a", "b", "c"]), "disk": st.sampled_from(["ssd"])},
        ),
        copies=st.integers(0, 4),
        reserved=st.sampled_from([0, 50 * MIB, 90 * MIB]),
        cpu_reserved=st.sampled_from([0.0, 0.5]),
        arch=st.sampled_from(["", "amd64", "arm64"]),
        cordoned=st.sampled_from([False, False, False, True]),
        roles=st.sampled_from([(), ("router",)]),
    ),
    max_size=8,
    unique_by=lambda host: host.name,
)
_need = st.builds(
    Need,
    memory=st.sampled_from([0, 20 * MIB, 60 * MIB]),
    tags=st.sampled_from([{}, {}, {"disk": "ssd"}]),
    cpu=st.sampled_from([0, 256]),
    arch=st.sampled_from(["", "amd64"]),
)
_needs = st.fixed_dictionaries({}, optional=dict.fromkeys(TYPES, _need))
_copies = st.lists(
    st.builds(make_copy, st.sampled_from(TYPES), st.integers(1, 30)), max_size=20, unique=True
)
_mine = st.dictionaries(
    st.from_regex(r"[a-f][0-9]", fullmatch=True),
    st.lists(st.sampled_from([*TYPES, "clock"]), max_size=3),
    max_size=4,
)

_WORDS = {
    "not kept": "kept",
    "in its zone": "zone",
    "copies of the app": "app",
    "fewest copies of": "type",
    "image is there": "image",
    "least memory": "memory",
    "least loaded": "load",
    "first by name": "name",
}


@settings(max_examples=300, deadline=None)
@given(
    _copies,
    _needs,
    _hosts,
    _mine,
    st.sampled_from([(), ("router",)]),
    st.sets(st.from_regex(r"[a-f][0-9]", fullmatch=True), max_size=3),
)
def test_the_fast_choice_is_the_plain_one(
    copies: list[CopyName],
    needs: dict[str, Need],
    hosts: list[HostSeen],
    mine: dict[str, list[str]],
    separate: tuple[str, ...],
    holding: set[str],
) -> None:
    plain = plain_choice(copies, needs, hosts, mine, separate, holding)
    choice = choose_hosts(copies, needs, hosts, mine, separate, holding)
    assert choice.hosts == {copy: host for copy, (host, _, _) in plain.items()}
    assert set(choice.refused) == set(copies) - set(plain)
    assert {copy: _said(choice, copy) for copy in plain} == {
        copy: (parts, able) for copy, (_, parts, able) in plain.items()
    }


@settings(max_examples=100, deadline=None)
@given(_copies, _needs, _hosts, _mine)
def test_what_no_wait_helps_against_is_told_from_what_may_pass(
    copies: list[CopyName],
    needs: dict[str, Need],
    hosts: list[HostSeen],
    mine: dict[str, list[str]],
) -> None:
    choice = choose_hosts(copies, needs, hosts, mine)
    for copy in choice.refused:
        need = needs.get(copy.type, Need())
        fit = [host for host in hosts if _is_of_the_kind(host, need)]
        assert (copy in choice.hopeless) == (bool(hosts) and not fit)


def _is_of_the_kind(host: HostSeen, need: Need) -> bool:
    tagged = all(host.tags.get(key) == value for key, value in need.tags.items())
    built = not need.arch or not host.arch or need.arch == host.arch
    large = not host.memory or need.memory <= host.memory
    return tagged and built and large and (not host.cpus or need.cpu <= host.cpus * SHARES)


def _said(choice: Choice, copy: CopyName) -> tuple[list[str], int]:
    """The parts that the sentence names, and among how many hosts."""
    sentence = choice.why[copy].partition(";")[0]
    if sentence.startswith("the only host that fits"):
        return [], 1
    among = re.search(r" among ([0-9]+) hosts that fit", sentence)
    assert among is not None, sentence
    parts = sentence[: among.start()].split(", then ")
    return [next(_WORDS[key] for key in _WORDS if key in part) for part in parts], int(among[1])

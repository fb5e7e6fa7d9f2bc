"""Which host takes a copy."""

from deis_control.scheduler.feasible import Need, choose_hosts
from tests.worlds import make_copy, make_host

WEB = [make_copy(num=num) for num in range(1, 5)]
MIB = 1 << 20


def test_copies_of_a_type_are_spread() -> None:
    choice = choose_hosts(WEB, {}, [make_host("a"), make_host("b")], {})
    assert sorted(choice.hosts.values()) == ["a", "a", "b", "b"]


def test_a_host_that_has_one_already_comes_later() -> None:
    choice = choose_hosts(WEB[:1], {}, [make_host("a"), make_host("b")], {"a": ["web"]})
    assert choice.hosts == {WEB[0]: "b"}


def test_other_types_of_the_app_count_next() -> None:
    choice = choose_hosts(WEB[:1], {}, [make_host("a"), make_host("b")], {"a": ["worker"]})
    assert choice.hosts == {WEB[0]: "b"}


def test_the_least_loaded_host_is_taken_by_its_processors() -> None:
    hosts = [make_host("a", copies=4, cpus=2), make_host("b", copies=6, cpus=8)]
    assert choose_hosts(WEB[:1], {}, hosts, {}).hosts == {WEB[0]: "b"}


def test_equal_hosts_are_taken_by_name() -> None:
    choice = choose_hosts(WEB[:1], {}, [make_host("b"), make_host("a")], {})
    assert choice.hosts == {WEB[0]: "a"}


def test_tags_must_be_there() -> None:
    hosts = [make_host("a"), make_host("b", tags={"rack": "1"})]
    need = {"web": Need(tags={"rack": "1"})}
    assert choose_hosts(WEB[:1], need, hosts, {}).hosts == {WEB[0]: "b"}


def test_memory_is_reserved_while_choosing() -> None:
    hosts = [make_host("a", memory=100 * MIB, reserved=40 * MIB)]
    choice = choose_hosts(WEB[:2], {"web": Need(memory=50 * MIB)}, hosts, {})
    assert choice.hosts == {WEB[0]: "a"}
    assert choice.refused == {WEB[1]: "a has 10 MiB left of the 50 MiB it may use"}


def test_a_copy_without_a_limit_fits_everywhere() -> None:
    hosts = [make_host("a", memory=MIB, reserved=MIB)]
    assert choose_hosts(WEB[:1], {}, hosts, {}).hosts == {WEB[0]: "a"}


def test_every_host_says_why_not() -> None:
    hosts = [make_host("a"), make_host("b", tags={"rack": "2"})]
    choice = choose_hosts(WEB[:1], {"web": Need(tags={"rack": "1"})}, hosts, {})
    assert choice.refused == {WEB[0]: "a is not tagged rack=1; b is not tagged rack=1"}


def test_a_choice_says_what_decided_it() -> None:
    hosts = [make_host("a"), make_host("b"), make_host("c", tags={"ssd": "true"})]
    mine = {"a": ["web"], "b": ["worker"]}
    choice = choose_hosts(WEB[:1], {}, hosts[:2], mine)
    assert choice.why == {WEB[0]: "fewest copies of web (0) among 2 hosts that fit"}
    choice = choose_hosts(WEB[:1], {"web": Need(tags={"ssd": "true"})}, hosts, mine)
    assert choice.why == {
        WEB[0]: "the only host that fits; a is not tagged ssd=true; b is not tagged ssd=true"
    }


def test_a_choice_names_each_part_of_the_load_that_ruled_a_host_out() -> None:
    hosts = [
        make_host("a", copies=1, cpus=4),
        make_host("b", copies=2, cpus=4),
        make_host("c", copies=1, cpus=4),
        make_host("d"),
        make_host("e"),
    ]
    choice = choose_hosts(WEB[:1], {}, hosts, {"d": ["web"], "e": ["worker"]})
    assert choice.hosts == {WEB[0]: "a"}
    assert choice.why == {
        WEB[0]: "fewest copies of web (0), then fewest copies of the app (0), then least loaded"
        " (0.25 copies per processor), then first by name among 5 hosts that fit"
    }


def test_the_sentence_counts_what_the_choice_itself_added() -> None:
    choice = choose_hosts(WEB[:3], {}, [make_host("a"), make_host("b")], {})
    assert choice.why[WEB[0]] == "first by name among 2 hosts that fit"
    assert choice.why[WEB[1]] == "fewest copies of web (0) among 2 hosts that fit"
    assert choice.why[WEB[2]] == "first by name among 2 hosts that fit"


def test_many_hosts_that_do_not_fit_are_counted() -> None:
    hosts = [make_host("a", tags={"rack": "1"}), *(make_host(f"x{n}") for n in range(9))]
    choice = choose_hosts(WEB[:1], {"web": Need(tags={"rack": "1"})}, hosts, {})
    assert choice.why[WEB[0]].startswith("the only host that fits; x0 is not tagged rack=1; ")
    assert choice.why[WEB[0]].endswith("; 6 more hosts do not fit")
    assert choose_hosts(WEB[:1], {}, [], {}).why == {}

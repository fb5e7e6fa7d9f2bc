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


def test_among_hosts_that_are_equal_for_the_app_one_that_has_the_image_is_taken() -> None:
    hosts = [make_host("a"), make_host("b", copies=9), make_host("c", copies=8)]
    choice = choose_hosts(WEB[:2], {}, hosts, {"c": ["web"]}, (), ["b", "c"])
    assert choice.hosts == {WEB[0]: "b", WEB[1]: "a"}
    assert choice.why[WEB[0]].endswith("then the image is there among 3 hosts that fit")


def test_many_hosts_that_do_not_fit_are_counted() -> None:
    hosts = [make_host("a", tags={"rack": "1"}), *(make_host(f"x{n}") for n in range(9))]
    choice = choose_hosts(WEB[:1], {"web": Need(tags={"rack": "1"})}, hosts, {})
    assert choice.why == {WEB[0]: "the only host that fits; 9 hosts: not tagged rack=1"}
    assert choose_hosts(WEB[:1], {}, [], {}).why == {}


def test_copies_of_a_type_are_spread_over_zones_before_hosts() -> None:
    hosts = [
        make_host("a1", tags={"zone": "a"}),
        make_host("a2", tags={"zone": "a"}),
        make_host("b1", tags={"zone": "b"}),
    ]
    choice = choose_hosts(WEB, {}, hosts, {})
    assert sorted(choice.hosts.values()) == ["a1", "a2", "b1", "b1"]
    assert choice.why[WEB[1]] == "fewest copies of web in its zone (0) among 3 hosts that fit"


def test_copies_with_a_limit_go_where_the_least_memory_is_reserved() -> None:
    hosts = [
        make_host("a", memory=100 * MIB, reserved=50 * MIB),
        make_host("b", memory=1000 * MIB, reserved=100 * MIB, copies=9),
    ]
    choice = choose_hosts(WEB[:1], {"web": Need(memory=MIB)}, hosts, {})
    assert choice.hosts == {WEB[0]: "b"}
    assert choice.why == {WEB[0]: "least memory reserved (10%) among 2 hosts that fit"}
    assert choose_hosts(WEB[:1], {}, hosts, {}).hosts == {WEB[0]: "a"}


def test_a_cordoned_or_draining_host_takes_no_copies() -> None:
    hosts = [make_host("a", cordoned=True), make_host("b", cordoned=True, draining=True)]
    choice = choose_hosts(WEB[:1], {}, hosts, {})
    assert choice.refused == {WEB[0]: "a is cordoned; b is being drained"}
    assert not choice.hopeless, "an operator may open them again"


def test_processors_are_reserved_by_cpu_shares() -> None:
    hosts = [make_host("a", cpus=2, cpu_reserved=1)]
    choice = choose_hosts(WEB[:2], {"web": Need(cpu=768)}, hosts, {})
    assert choice.hosts == {WEB[0]: "a"}
    assert choice.refused == {WEB[1]: "a has 256 CPU shares left of the 768 it may use"}
    assert not choice.hopeless


def test_a_copy_that_no_host_is_large_enough_for_waits_for_nothing() -> None:
    hosts = [make_host("a", memory=64 * MIB, cordoned=True), make_host("b", memory=32 * MIB)]
    choice = choose_hosts(WEB[:1], {"web": Need(memory=100 * MIB)}, hosts, {})
    assert choice.refused == {
        WEB[0]: "a has 64 MiB in all of the 100 MiB it may use;"
        " b has 32 MiB in all of the 100 MiB it may use"
    }
    assert choice.hopeless == {WEB[0]}


def test_nor_does_one_that_may_use_more_processors_than_a_host_has() -> None:
    choice = choose_hosts(WEB[:1], {"web": Need(cpu=3000)}, [make_host("a", cpus=2)], {})
    assert choice.refused == {WEB[0]: "a has 2048 CPU shares in all of the 3000 it may use"}
    assert choice.hopeless == {WEB[0]}


def test_an_image_runs_where_it_is_built_for() -> None:
    hosts = [make_host("a", arch="arm64"), make_host("b", arch="amd64")]
    assert choose_hosts(WEB[:1], {"web": Need(arch="amd64")}, hosts, {}).hosts == {WEB[0]: "b"}
    choice = choose_hosts(WEB[:1], {"web": Need(arch="amd64")}, hosts[:1], {})
    assert choice.refused == {WEB[0]: "a is an arm64 host, the image is for amd64"}
    assert choice.hopeless == {WEB[0]}


def test_an_image_or_a_host_that_does_not_say_what_it_is_fits() -> None:
    assert choose_hosts(WEB[:1], {"web": Need(arch="amd64")}, [make_host("a")], {}).hosts
    assert choose_hosts(WEB[:1], {}, [make_host("a", arch="arm64")], {}).hosts


def test_hosts_kept_for_a_role_are_taken_last() -> None:
    hosts = [make_host("a", roles=("router",)), make_host("b", memory=10 * MIB)]
    need = {"web": Need(memory=8 * MIB)}
    choice = choose_hosts(WEB[:2], need, hosts, {}, ["router"])
    assert choice.hosts == {WEB[0]: "b", WEB[1]: "a"}
    assert choice.why[WEB[0]] == "not kept for router among 2 hosts that fit"
    assert choice.why[WEB[1]] == (
        "the only host that fits, though it is kept for router;"
        " b has 2 MiB left of the 8 MiB it may use"
    )


def test_reasons_against_many_hosts_are_counted() -> None:
    hosts = [make_host(f"x{n}", memory=MIB, reserved=MIB) for n in range(9)]
    hosts += [make_host("y", cordoned=True)]
    choice = choose_hosts(WEB[:1], {"web": Need(memory=MIB)}, hosts, {})
    assert choice.refused == {WEB[0]: "9 hosts: less than 1 MiB left; 1 host: cordoned"}


def test_waiting_helps_where_no_host_is_alive() -> None:
    choice = choose_hosts(WEB[:1], {"web": Need(tags={"disk": "ssd"})}, [], {})
    assert choice.refused == {WEB[0]: "no host is alive"}
    assert not choice.hopeless

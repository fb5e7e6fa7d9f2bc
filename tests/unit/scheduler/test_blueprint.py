"""What a release's copies and its route are made of."""

import json

import pytest

from deis_control.model import ConfigData
from deis_control.scheduler.blueprint import Blueprint, complaints, health_of, whitelist_of
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import HealthCheck, Placement
from tests.worlds import make_build, make_copy


def placement(config: ConfigData, copy: CopyName | None = None) -> Placement:
    build = make_build({"web": "serve", "worker": "work"}, sha="1234567", dockerfile="true")
    blueprint = Blueprint("hello", 2, build, config)
    copy = copy or make_copy()
    return blueprint.placement(copy, uuid="u", created="2024-01-01T00:00:00UTC", grace=30)


def test_a_placement_runs_the_procfiles_command_in_the_builds_image() -> None:
    made = placement(ConfigData())
    assert made.image == "127.0.0.1:5000/hello@sha256:0"
    assert made.command == ("/bin/sh", "-c", "serve")
    assert (made.env, made.memory, made.cpu, made.health) == (None, None, None, None)
    assert made.copy == make_copy()


def test_limits_are_those_of_the_type() -> None:
    config = ConfigData({}, {"web": "512M", "worker": "0M"}, {"web": 100, "worker": 0})
    assert (placement(config).memory, placement(config).cpu) == (512 << 20, 100)
    worker = placement(config, make_copy("worker"))
    assert (worker.memory, worker.cpu) == (None, None)


def test_values_are_named_by_release() -> None:
    assert placement(ConfigData({"A": "1"})).env == "hello/2"


def test_values_are_sealed_as_one_object_of_any_text() -> None:
    values = {"A": "\n$`'\"\\", "B": "\x01\u2028🎉"}
    assert json.loads(Blueprint("hello", 2, None, ConfigData(values)).env) == values


def test_only_routable_copies_are_asked_for_their_health() -> None:
    config = ConfigData({"HEALTHCHECK_URL": "/healthz"})
    assert placement(config).health == HealthCheck("/healthz")
    assert placement(config, make_copy("worker")).health is None


def test_health_checks_take_delay_and_time() -> None:
    values = {
        "HEALTHCHECK_URL": "up",
        "HEALTHCHECK_INITIAL_DELAY": "5",
        "HEALTHCHECK_TIMEOUT": " 2.5 ",
    }
    assert health_of(values) == HealthCheck("/up", 5, 2.5)


def test_only_routable_copies_are_asked_whether_they_hang() -> None:
    config = ConfigData({"HEALTHCHECK_LIVENESS_URL": "live", "HEALTHCHECK_TIMEOUT": "3"})
    assert placement(config).liveness == HealthCheck("/live", timeout=3)
    assert placement(config).health is None
    assert placement(config, make_copy("worker")).liveness is None


def test_only_copies_that_nobody_reaches_must_run_for_a_while() -> None:
    config = ConfigData({"DEIS_WORKER_READY": "5"})
    assert placement(config, make_copy("worker")).runs_for == 5
    assert placement(config).runs_for is None
    assert placement(ConfigData(), make_copy("worker")).runs_for is None


def test_an_app_may_name_the_grace_of_its_copies() -> None:
    assert placement(ConfigData({"DEIS_STOP_GRACE": "0"})).grace == 0
    assert placement(ConfigData()).grace == 30


def test_an_app_may_name_how_many_processes_its_copies_have() -> None:
    def limit(values: dict[str, str], platform: int) -> int | None:
        blueprint = Blueprint("hello", 2, make_build(), ConfigData(values))
        return blueprint.placement(make_copy(), uuid="u", created="", grace=30, pids=platform).pids

    assert limit({"DEIS_PIDS_LIMIT": "64"}, 4096) == 64
    assert limit({"DEIS_PIDS_LIMIT": "none"}, 4096) == 4096
    assert limit({}, 0) is None


@pytest.mark.parametrize("wrong", ["", "soon", "-1", "1e309", "nan", "1\n2", "٣"])
def test_a_delay_that_is_no_number_counts_as_not_given(wrong: str) -> None:
    values = {"HEALTHCHECK_URL": "/", "HEALTHCHECK_INITIAL_DELAY": wrong}
    assert health_of(values) == HealthCheck("/", 0, 1)
    assert "HEALTHCHECK_INITIAL_DELAY" in complaints(values)[0]


def test_a_release_without_a_build_is_not_routed() -> None:
    assert Blueprint("hello", 1, None, ConfigData()).route((), drain=30).releases == {}


def test_a_route_names_release_domains_whitelist_and_drain() -> None:
    config = ConfigData({"DEIS_WHITELIST": "10.0.0.0/8"})
    route = Blueprint("hello", 7, make_build(), config).route(("a.org",), drain=9)
    assert route.releases == {"7": 1}
    assert (route.domains, route.whitelist, route.drain) == (("a.org",), ("10.0.0.0/8",), 9)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("10.1.2.3", ("10.1.2.3/32",)),
        ("10.1.2.3/8:office, 192.168.1.1:home", ("10.0.0.0/8", "192.168.1.1/32")),
        ("2001:db8::1", ("2001:db8::1/128",)),
        ("2001:db8::/32:office", ("2001:db8::/32",)),
        ("10.0.0.1:a:b", ("10.0.0.1/32",)),
        ("", ()),
        (" , ,", ()),
    ],
)
def test_a_whitelist_is_a_list_of_blocks_with_labels(text: str, blocks: tuple[str, ...]) -> None:
    assert whitelist_of({"DEIS_WHITELIST": text}) == (blocks, ())


@pytest.mark.parametrize(
    "wrong", ["office", "10.0.0.0/33", "10.0.0.1; deny all", "}", "1", "fe80::1%eth0", "../x\n"]
)
def test_a_wrong_entry_is_dropped_alone_and_told(wrong: str) -> None:
    values = {"DEIS_WHITELIST": f"10.0.0.1,{wrong}"}
    assert whitelist_of(values)[0] == ("10.0.0.1/32",)
    assert "is not an address or block" in complaints(values)[0]
    assert "\n" not in complaints(values)[0]


def test_without_the_variable_everybody_is_let_in() -> None:
    assert whitelist_of({}) == (None, ())
    assert complaints({}) == ()


def test_single_types_are_named_with_commas_between_them() -> None:
    config = ConfigData({"DEIS_SINGLE": " worker, clock,,run,no good"})
    blueprint = Blueprint("hello", 7, make_build({"worker": "w", "web": "s"}), config)
    assert blueprint.single == {"worker", "clock"}
    parts = {"uuid": "u", "created": "", "grace": 30.0}
    assert blueprint.placement(make_copy("worker"), **parts).single
    assert not blueprint.placement(make_copy("web"), **parts).single
    texts = complaints(config.values)
    assert [text.partition(" is not")[0] for text in texts] == [
        'DEIS_SINGLE: "run"',
        'DEIS_SINGLE: "no good"',
    ]


def test_without_a_word_no_type_is_single() -> None:
    assert Blueprint("hello", 7, make_build(), ConfigData()).single == frozenset()

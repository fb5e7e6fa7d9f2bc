"""Several hosts on one machine: who is where, what they are told, and what is refused."""

import tomllib
from dataclasses import asdict
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from deis_cli.deisctl.local import engine, power
from deis_cli.deisctl.local.checks import check_hosts, check_swarm
from deis_cli.deisctl.local.components import all_components, down_file
from deis_cli.deisctl.local.engine_layout import layout
from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.fabric import Fabric
from deis_cli.deisctl.local.home import Choices, Home, choose
from deis_cli.deisctl.local.hosts import Hosts
from deis_cli.deisctl.local.settings_files import CONTROL_FILE, NODE_FILE, write_settings
from deis_cli.deisctl.local.sites import PUBLISHED, docker_url, published_ports, sites
from deis_cli.deisctl.local.status import columns
from deis_cli.deisctl.local.up import Wishes, check_same
from deis_node.containers.settings import RunnerSettings

SUBNET = "10.200.16.0/20"


def chosen(hosts: int, *, swarm: bool = False) -> Choices:
    return choose(
        http_port=8080,
        builder_port=2222,
        docker_host="",
        subnet=SUBNET,
        hosts=hosts,
        swarm=swarm,
    )


def made(folder: Path, hosts: int, *, swarm: bool = False) -> tuple[Home, Choices]:
    home, choices = Home(folder / "home"), chosen(hosts, swarm=swarm)
    home.make_folders()
    home.save(choices)
    write_settings(home, choices)
    return home, choices


def told(home: Home, host: str, file: str) -> dict[str, dict[str, object]]:
    return tomllib.loads((home.hosts / host / "etc" / file).read_text())


@pytest.mark.parametrize(
    ("hosts", "members", "controllers", "routers"),
    [(2, 1, 2, 2), (3, 3, 3, 2), (5, 3, 3, 2), (9, 3, 3, 2)],
)
def test_the_first_hosts_have_the_parts_that_a_cluster_has_few_of(
    hosts: int, members: int, controllers: int, routers: int
) -> None:
    every = sites(Home(Path("/x")), chosen(hosts))
    assert [site.name for site in every] == [f"local-{n}" for n in range(1, hosts + 1)]
    assert [site.member for site in every] == [n < members for n in range(hosts)]
    assert [site.controller for site in every] == [n < controllers for n in range(hosts)]
    assert [site.router for site in every] == [n < routers for n in range(hosts)]


def test_one_host_is_the_machine_itself() -> None:
    (site,) = sites(Home(Path("/x")), chosen(1))
    assert (site.root, site.address, site.network) == (Path("/x"), "127.0.0.1", None)
    assert (site.boot_id, site.label("etcd")) == (None, "etcd")


def test_hosts_and_machine_share_the_lower_half_of_the_range() -> None:
    fabric = Fabric("1a2b3c", SUBNET)
    assert fabric.network == IPv4Network("10.200.16.0/21")
    assert fabric.machine_address == IPv4Interface("10.200.16.1/21")
    hosts = [fabric.host(number) for number in (1, 9)]
    assert [str(host.host_address) for host in hosts] == ["10.200.16.11/21", "10.200.16.19/21"]
    assert {host.bridge_address for host in hosts} == {IPv4Interface("10.200.24.1/21")}
    assert max(len(host.name) for host in hosts) <= 15


def test_every_component_bears_its_hosts_name_and_they_are_all_different() -> None:
    components = all_components(Home(Path("/x")), chosen(3), Path("/venv"))
    names = [component.name for component in components]
    assert len(set(names)) == len(names)
    assert [component.name for component in components if not component.host] == [
        "postgres",
        "registry",
        "relay",
    ]
    assert all(item.name.endswith(f"@{item.host}") for item in components if item.host)


def test_no_two_components_listen_on_the_same_address() -> None:
    components = all_components(Home(Path("/x")), chosen(5), Path("/venv"))
    addresses = [component.address for component in components]
    assert len(set(addresses)) == len(addresses)


def test_each_host_asks_the_etcd_beside_it_first_and_knows_all(tmp_path: Path) -> None:
    home, choices = made(tmp_path, 5)
    port = choices.etcd_port
    members = [f"http://10.200.16.{n}:{port}" for n in (11, 12, 13)]
    found = {n: told(home, f"local-{n}", NODE_FILE)["etcd"]["endpoints"] for n in range(1, 6)}
    assert found[1] == members
    assert found[2] == [members[1], members[2], members[0]]
    assert all(sorted(endpoints) == members for endpoints in found.values())  # type: ignore[call-overload]
    assert found[4] != found[5]


def test_a_host_is_told_its_own_addresses_and_the_machines_services(tmp_path: Path) -> None:
    home, choices = made(tmp_path, 3)
    node = told(home, "local-3", NODE_FILE)
    assert node["node"]["address"] == "10.200.16.13"
    assert node["node"]["router"] is False
    assert "router" not in told(home, "local-2", NODE_FILE)["node"]
    assert "namespace" not in node["relay"]
    control = told(home, "local-2", CONTROL_FILE)
    assert control["control"]["registry"] == f"10.200.16.1:{choices.registry_port}"
    assert "@10.200.16.1:" in str(control["database"]["url"])
    assert control["api"]["address"] == f"10.200.16.12:{choices.controller_port}"
    assert "10.200.16.0/21" in str(control["platform"]["trusted_proxies"])


def test_hosts_of_a_cluster_say_what_else_they_are_for(tmp_path: Path) -> None:
    home, _ = made(tmp_path, 5)
    found = {n: told(home, f"local-{n}", NODE_FILE)["node"] for n in range(1, 6)}
    assert [node.get("roles") for node in found.values()] == [["control"]] * 3 + [None] * 2
    assert [node.get("router", True) for node in found.values()] == [True] * 2 + [False] * 3


@pytest.mark.parametrize(
    ("http", "builder", "expected"),
    [
        (8080, 2222, (20000, 32767)),
        (20000, 2222, (20001, 32767)),
        (2222, 32767, (20000, 32766)),
        (30000, 31000, (20000, 29999)),
        (24000, 21000, (24001, 32767)),
    ],
)
def test_no_container_is_published_on_a_port_of_the_platforms(
    http: int, builder: int, expected: tuple[int, int]
) -> None:
    choices = choose(http_port=http, builder_port=builder, docker_host="", subnet=SUBNET, hosts=3)
    assert published_ports(choices) == expected


def test_the_agents_own_range_of_ports_is_the_one_that_is_divided() -> None:
    assert (RunnerSettings().port_low, RunnerSettings().port_high) == PUBLISHED


def test_hosts_are_as_many_as_the_home_was_made_with() -> None:
    check_same(chosen(3), Wishes(Path("/x"), hosts=3))
    check_same(chosen(3), Wishes(Path("/x")))
    with pytest.raises(LocalError, match="--hosts 3"):
        check_same(chosen(3), Wishes(Path("/x"), hosts=4))


def test_a_home_from_before_there_were_several_hosts_has_one(tmp_path: Path) -> None:
    import json

    home = Home(tmp_path)
    old = asdict(chosen(1))
    del old["hosts"], old["swarm"]
    home.choices_file.write_text(json.dumps(old))
    loaded = home.load()
    assert loaded is not None
    assert (loaded.hosts, loaded.swarm) == (1, False)


def test_each_controller_asks_the_swarms_manager_beside_it_first(tmp_path: Path) -> None:
    home, choices = made(tmp_path, 5, swarm=True)
    managers = [docker_url(site, choices) for site in sites(home, choices) if site.member]
    asked = {n: told(home, f"local-{n}", CONTROL_FILE)["scheduler"] for n in (1, 2, 3)}
    assert asked[1]["swarm_managers"] == managers
    assert asked[3]["swarm_managers"] == [managers[2], managers[0], managers[1]]
    platform = {node["node"]["platform_id"] for node in [told(home, "local-4", NODE_FILE)]}
    assert {facts["swarm_platform"] for facts in asked.values()} == platform
    assert "scheduler" not in told(made(tmp_path / "b", 3)[0], "local-1", CONTROL_FILE)


def test_engines_of_a_swarm_have_no_live_restore_and_are_started_so() -> None:
    for swarm in (False, True):
        where = sites(Home(Path("/x")), chosen(3, swarm=swarm))[1].engine
        assert where is not None
        assert ("--live-restore" in engine.dockerd(where)) is not swarm
        home, *words = engine.argv(where)[engine.argv(where).index("/x/hosts/local-2") :]
        assert layout(Path(home), *words) == where


def test_a_swarm_is_of_several_hosts_and_chosen_once() -> None:
    check_swarm(2)
    with pytest.raises(LocalError, match="--hosts 3"):
        check_swarm(1)
    check_same(chosen(3, swarm=True), Wishes(Path("/x"), engine="swarm"))
    with pytest.raises(LocalError, match="--engine native"):
        check_same(chosen(3), Wishes(Path("/x"), engine="swarm"))


@pytest.mark.parametrize("hosts", [0, -1, 10])
def test_more_or_fewer_hosts_than_can_be_made_are_refused(hosts: int) -> None:
    with pytest.raises(LocalError, match="between 1 and 9"):
        check_hosts(hosts, "")


def test_several_hosts_cannot_share_a_given_engine() -> None:
    check_hosts(1, "unix:///x")
    with pytest.raises(LocalError, match="drop --docker-host"):
        check_hosts(2, "unix:///x")


def test_each_power_cycle_is_another_boot_and_nothing_else_is(tmp_path: Path) -> None:
    home, choices = made(tmp_path, 3)
    first, second, _ = sites(home, choices)
    for site in (first, second):
        site.data.mkdir(parents=True)
        power.count_boot(site)
    assert first.boot_id is not None
    assert second.boot_id is not None
    before = first.boot_id.read_text()
    assert before != second.boot_id.read_text()
    names = {before}
    for _ in range(3):
        power.count_boot(first)
        names.add(first.boot_id.read_text())
    assert len(names) == 4


def test_a_host_without_power_wants_none_of_its_components(tmp_path: Path) -> None:
    home, choices = made(tmp_path, 3)
    sites(home, choices)[1].off.touch()
    components = all_components(home, choices, Path("/venv"))
    assert {item.host for item in components if not item.wanted()} == {"local-2"}
    assert Hosts.of(home).state("local-2") == "off"
    Hosts.of(home).on("local-2")
    assert all(item.wanted() for item in components)


@pytest.mark.parametrize("name", ["postgres", "etcd@local-2"])
def test_a_component_that_is_kept_down_is_not_wanted(tmp_path: Path, name: str) -> None:
    home, choices = made(tmp_path, 3)
    down_file(home, name).touch()
    components = all_components(home, choices, Path("/venv"))
    assert [item.name for item in components if not item.wanted()] == [name]
    Hosts.of(home).on("local-2")
    assert [item.name for item in components if not item.wanted()] == [name]
    down_file(home, name).unlink()
    assert all(item.wanted() for item in components)


@pytest.mark.parametrize("verb", ["off", "on", "freeze", "thaw", "cut", "join", "state"])
def test_a_host_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, verb: str) -> None:
    hosts = Hosts.of(made(tmp_path, 3)[0])
    with pytest.raises(LocalError, match=r"no host local-4.*local-1, local-2, local-3"):
        getattr(hosts, verb)("local-4")


@pytest.mark.parametrize("verb", ["freeze", "thaw", "cut", "join"])
def test_a_host_without_power_is_neither_frozen_nor_cut(tmp_path: Path, verb: str) -> None:
    home, choices = made(tmp_path, 2)
    sites(home, choices)[0].off.touch()
    with pytest.raises(LocalError, match="local-1 has no power"):
        getattr(Hosts.of(home), verb)("local-1")


def test_one_host_has_no_plug_to_pull(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(LocalError, match="holds no platform"):
        Hosts.of(home)
    home.save(chosen(1))
    with pytest.raises(LocalError, match="--hosts 3"):
        Hosts.of(home)


def test_columns_are_as_wide_as_their_widest_entries() -> None:
    assert columns([("a", "b", "c"), ("long", "x", "last")]) == ["a     b  c", "long  x  last"]

"""The keys in etcd and the way back from them."""

import pytest
from hypothesis import given

from deis_node.cluster import keys
from deis_node.cluster.names import CopyName, parse_container
from tests.unit.node.strategies import apps, copies


@given(apps, copies)
def test_a_placement_names_its_host_and_copy(host: str, copy: CopyName) -> None:
    found = keys.pair(keys.placement(host, copy.container), keys.PLACEMENTS)
    assert (found[0], parse_container(found[1])) == (host, copy)


@given(apps, copies)
def test_an_instance_lies_below_its_host(host: str, copy: CopyName) -> None:
    key = keys.instance(host, copy.container)
    assert keys.tail(key, keys.instances_of(host)) == copy.container


@given(copies)
def test_an_endpoint_lies_below_its_app(copy: CopyName) -> None:
    key = keys.service(copy.app, copy.container)
    assert keys.pair(key, keys.SERVICES) == (copy.app, copy.container)
    assert key.startswith(keys.services_of(copy.app))


@given(apps, apps)
def test_the_keys_of_one_host_are_not_among_anothers(one: str, other: str) -> None:
    mine = keys.placement(one, "a_v1.web.1").startswith(keys.placements_of(other))
    assert mine == (one == other)


@pytest.mark.parametrize(
    "key", ["/deis/placements/h", "/deis/placements/h/", "/deis/placements/h/a/b"]
)
def test_a_key_of_another_depth_is_no_pair(key: str) -> None:
    with pytest.raises(ValueError, match="two-part"):
        keys.pair(key, keys.PLACEMENTS)


def test_a_key_elsewhere_has_no_tail() -> None:
    with pytest.raises(ValueError, match="not below"):
        keys.tail("/deis/hosts/a", keys.PLACEMENTS)

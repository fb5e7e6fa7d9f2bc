"""What an operator may say about a host."""

from typing import Any

import pytest

from deis_control.api.schemas import host_change
from deis_control.errors import Invalid
from deis_control.services.hosts import HostChange


def test_fields_that_are_not_named_stay() -> None:
    assert host_change({}) == HostChange({}, None, None)
    assert host_change({"draining": False}) == HostChange({}, None, False)
    assert host_change({"cordoned": "true"}) == HostChange({}, True, None), "as a form says it"


def test_a_tag_is_set_or_removed() -> None:
    tags = {"zone": "eu-1.a", "disk": None, "rack": 7}
    assert host_change({"tags": tags}).tags == {"zone": "eu-1.a", "disk": None, "rack": "7"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tags": {"a b": "c"}}, "tags"),
        ({"tags": {"": "c"}}, "tags"),
        ({"tags": {"a": ""}}, "tags"),
        ({"tags": {"a": "x\n"}}, "tags"),
        ({"tags": {"a": ["x"]}}, "tags"),
        ({"tags": {"a": "x" * 64}}, "tags"),
        ({"tags": ["a"]}, "tags"),
        ({"tags": None}, "tags"),
        ({"cordoned": "perhaps"}, "cordoned"),
        ({"draining": None}, "draining"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        host_change(body)
    assert list(refused.value.fields) == [field]

"""Names of apps, process types and copies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.names import CopyName, is_app_id, is_process_type, parse_container
from tests.unit.node.strategies import copies


@given(copies)
def test_a_copy_is_known_by_its_container_name(copy: CopyName) -> None:
    assert parse_container(copy.container) == copy


@given(copies, copies)
def test_no_two_copies_share_a_container_name(one: CopyName, other: CopyName) -> None:
    assert (one.container == other.container) == (one == other)


@given(st.text())
def test_any_other_text_is_nobodys_name(text: str) -> None:
    copy = parse_container(text)
    assert copy is None or copy.container == text


def test_the_first_generation_has_the_contract_name() -> None:
    copy = CopyName("hello", 2, "web", 1)
    assert (copy.container, copy.job, copy.process) == ("hello_v2.web.1", "hello_v2.web.1", "web.1")


def test_a_later_generation_shows_in_the_container_name_only() -> None:
    copy = CopyName("hello", 2, "web", 1).next_generation()
    assert (copy.container, copy.job) == ("hello_v2.web.1.g2", "hello_v2.web.1")


@pytest.mark.parametrize(
    "name",
    ["", "hello", "hello_v0.web.1", "hello_v2.web", "hello_v2.web.0", "hello_v02.web.1",
     "hello_v2.web.1\n", "Hello_v2.web.1", "-a_v2.web.1", "a_v2.web.1.g0", "x/hello_v2.web.1"],
)  # fmt: skip
def test_malformed_container_names_are_refused(name: str) -> None:
    assert parse_container(name) is None


def test_only_web_and_cmd_are_routable() -> None:
    routable = {
        kind for kind in ("web", "cmd", "worker", "run") if CopyName("a", 1, kind, 1).routable
    }
    assert routable == {"web", "cmd"}


@pytest.mark.parametrize("text", ["a", "0", "hello-world", "a" * 64])
def test_app_ids(text: str) -> None:
    assert is_app_id(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a.b", "a_b", "a" * 65, "a\n", "ä", "a;b"])
def test_texts_that_are_no_app_ids(text: str) -> None:
    assert not is_app_id(text)


@pytest.mark.parametrize(
    ("text", "good"), [("web", True), ("a_b-C", True), ("a.b", False), ("_a", False)]
)
def test_process_types(text: str, good: bool) -> None:
    assert is_process_type(text) is good

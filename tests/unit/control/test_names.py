"""Names of apps, users and images."""

import re

import pytest

from deis_control.errors import Forbidden
from deis_control.rules.accounts import check_email, check_username
from deis_control.rules.apps import check_app_id, reserved_names
from deis_control.rules.builds import check_image, refuse_platform_image
from deis_control.rules.words import ADJECTIVES, NOUNS
from deis_node.cluster.names import is_app_id

HOSTILE = [
    ";",
    "|",
    "$(x)",
    "`x`",
    "'",
    '"',
    "\\",
    "\n",
    "\r",
    "\x00",
    "\t",
    "-x",
    "--upload-pack=x",
    "../x",
    "/etc",
    "%2e%2e",
    "{{x}}",
    "}",
    "#",
    "${VAR}",
    " ",
    "",
    "a\u202eb",
    "ａ",
    "😀",
    "a.b",
    "*",
    "_",
    "a_b",
]


def test_drawn_names_have_the_contracts_shape_and_number() -> None:
    assert (len(set(ADJECTIVES)), len(set(NOUNS))) == (200, 175)
    assert all(re.fullmatch("[a-z]{6}", word) for word in ADJECTIVES)
    assert all(re.fullmatch("[a-z]{8}", word) for word in NOUNS)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_app_ids_are_refused(text: str) -> None:
    assert check_app_id(text, ())


@pytest.mark.parametrize("text", ["a", "a-b", "1", "a" * 64, "hello-2"])
def test_what_may_name_an_app(text: str) -> None:
    assert check_app_id(text, reserved_names("deis")) == []
    assert is_app_id(text)


def test_a_chosen_subdomain_takes_the_place_of_the_default() -> None:
    assert check_app_id("deis", reserved_names("control")) == []
    assert check_app_id("control", reserved_names("control")) == ["control is a reserved name."]


@pytest.mark.parametrize("text", ["bob", "a@b.c+d-e_f", "1"])
def test_user_names(text: str) -> None:
    assert check_username(text) == []


@pytest.mark.parametrize("text", ["a b", "é", "a/b", "a\n", "a'"])
def test_what_is_no_user_name(text: str) -> None:
    assert check_username(text) == ["Enter a valid username."]


@pytest.mark.parametrize(
    ("text", "right"),
    [("a@b.example", True), ("a@localhost", True), ("a@b", False), ("@b.c", False), ("a", False)],
)
def test_addresses(text: str, right: bool) -> None:
    assert (check_email(text) == []) is right


@pytest.mark.parametrize("text", ["-x", "--upload-pack=x", "a b", "$(x)", "a\n", "é", "../x"])
def test_hostile_images_are_refused(text: str) -> None:
    assert check_image(text)


@pytest.mark.parametrize("image", ["deis/builder", "x:5000/deis/router:v1", "deis/cache@sha256:a"])
def test_platform_images_are_not_deployed(image: str) -> None:
    with pytest.raises(Forbidden):
        refuse_platform_image(image)


@pytest.mark.parametrize("image", ["deis/example-go", "builder", "x/deis:registry"])
def test_other_images_are(image: str) -> None:
    refuse_platform_image(image)

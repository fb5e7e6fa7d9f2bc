"""Names of images in the platform's registry."""

import pytest

from deis_control.registry.names import (
    Names,
    git_tag,
    is_digest,
    is_repository,
    is_tag,
)

DIGEST = "sha256:" + "0" * 64
NAMES = Names(5000)


def test_a_pushed_commit_is_tagged_by_its_first_eight_digits() -> None:
    assert NAMES.tagged("hello", git_tag("0123456789abcdef")) == "127.0.0.1:5000/hello:git-01234567"


def test_a_pinned_image_is_named_by_its_digest() -> None:
    reference = NAMES.pinned("hello", DIGEST)
    assert reference == f"127.0.0.1:5000/hello@{DIGEST}"


def test_nothing_but_a_digest_pins() -> None:
    with pytest.raises(ValueError, match="no digest"):
        NAMES.pinned("hello", "latest")


@pytest.mark.parametrize("text", ["../x", "a/../b", "A", "", "a b", "a?n=1", "-a", "a" * 256])
def test_no_path_can_be_smuggled_as_a_repository(text: str) -> None:
    assert not is_repository(text)


@pytest.mark.parametrize("text", ["hello", "my-app-2", "a/b"])
def test_usual_repositories_are_known(text: str) -> None:
    assert is_repository(text)


@pytest.mark.parametrize("text", ["", "a/b", "../x", "a?b", "-x", "x" * 129])
def test_no_path_can_be_smuggled_as_a_tag(text: str) -> None:
    assert not is_tag(text)
    assert not is_digest(text)

"""What an SSH client may ask for (builder.md section 2)."""

import pytest

from deis_control.builder.commands import GitCommand, Ping, Service, parse, repo_name, shown


def test_ping_is_understood() -> None:
    assert parse("ping") == Ping()


@pytest.mark.parametrize(
    "text",
    [
        "git-receive-pack 'hello.git'",
        "git-receive-pack '/hello.git'",
        'git-receive-pack "hello"',
        "git-receive-pack `hello.git`",
        "git-receive-pack $'hello.git'",
        "git-receive-pack  hello",
    ],
)
def test_quotes_slash_and_suffix_do_not_matter(text: str) -> None:
    assert parse(text) == GitCommand(Service.RECEIVE, "hello")


def test_a_fetch_is_told_from_a_push() -> None:
    assert parse("git-upload-pack 'hello.git'") == GitCommand(Service.UPLOAD, "hello")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sh",
        "ping; id",
        "ping\nid",
        "git-upload-archive 'hello.git'",
        "git receive-pack 'hello.git'",
        "GIT-RECEIVE-PACK 'hello.git'",
        "scp -t /",
        "--upload-pack=id",
        "/usr/bin/git-receive-pack 'hello.git'",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("text", ["", "''", "/", ".git", "'../../x'", "a/../b", ".."])
def test_no_repo_is_named_by_nothing_or_by_dots(text: str) -> None:
    assert repo_name(text) == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("'--upload-pack=id'", "--upload-pack=id"),
        ("'-oProxyCommand=id'", "-oProxyCommand=id"),
        ("'ext::sh -c id'", "ext::sh -c id"),
        ("'file:///etc'", "file:///etc"),
        ("'//host/share.git'", "host/share"),
        ("'%2e%2e/x'", "%2e%2e/x"),
        ("'a;id'", "a;id"),
        ("'a' --strict", "a --strict"),
        ("'hello.git.git'", "hello.git"),
    ],
)
def test_odd_names_stay_names_that_no_app_has(text: str, name: str) -> None:
    assert repo_name(text) == name


def test_a_name_is_shown_on_one_bounded_line() -> None:
    assert shown("a\x1b[2J\nb\u202e") == "a?[2J?b?"
    assert len(shown("x" * 70_000)) == 65

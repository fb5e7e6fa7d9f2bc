"""Filters, keys and profiles of the directory."""

from datetime import UTC, datetime

import pytest

from deis_control.ldap.filters import (
    Entry,
    entry_of,
    first,
    group_filter,
    is_attribute,
    user_filter,
)
from deis_control.ldap.session import LdapError, address
from deis_control.ldap.settings import LdapKeys
from deis_control.model import Profile, User
from deis_control.rules.ldap import profile_of

KEYS = LdapKeys("ldap://directory")
DN = "uid=alice,ou=people,dc=example,dc=org"


@pytest.mark.parametrize(
    ("typed", "escaped"),
    [
        ("alice", "alice"),
        ("*", r"\2a"),
        ("a)(uid=b", r"a\29\28uid=b"),
        ("\x00", r"\00"),
        ("\\", r"\5c"),
        ("\\2a", r"\5c2a"),
        ("ü=&|!<>~", "ü=&|!<>~"),
    ],
)
def test_a_typed_name_is_a_value(typed: str, escaped: str) -> None:
    assert user_filter(KEYS, typed) == f"(uid={escaped})"


@pytest.mark.parametrize(
    ("kind", "gid", "wanted"),
    [
        ("groupOfNames", "", f"(&(objectClass=groupOfNames)(member={DN}))"),
        ("GROUPOFNAMES", "", f"(&(objectClass=GROUPOFNAMES)(member={DN}))"),
        ("group", "", f"(&(objectClass=group)(member={DN}))"),
        ("groupOfUniqueNames", "", f"(&(objectClass=groupOfUniqueNames)(uniqueMember={DN}))"),
        ("organizationalRole", "", f"(&(objectClass=organizationalRole)(roleOccupant={DN}))"),
        ("posixGroup", "", "(&(objectClass=posixGroup)(memberUid=alice))"),
        ("posixGroup", "7", "(&(objectClass=posixGroup)(|(memberUid=alice)(gidNumber=7)))"),
        ("*)(cn=*", "", rf"(&(objectClass=\2a\29\28cn=\2a)(member={DN}))"),
    ],
)
def test_groups_of_a_type_name_their_members_their_way(kind: str, gid: str, wanted: str) -> None:
    keys = LdapKeys("ldap://directory", group_type=kind)
    assert group_filter(keys, Entry(DN, "alice", gid=gid)) == wanted


def test_a_distinguished_name_is_a_value_too() -> None:
    entry = Entry("uid=a\\2Cb (*),dc=example", "a,b")
    assert r"(member=uid=a\5c2Cb \28\2a\29,dc=example)" in group_filter(KEYS, entry)


@pytest.mark.parametrize("text", ["uid", "sAMAccountName", "x-1", "0.9.2342.19200300.100.1.1"])
def test_names_of_attributes(text: str) -> None:
    assert is_attribute(text)


@pytest.mark.parametrize("text", ["", "uid=*", "(uid", "u d", "1", "uid\n", "ü", "uid;binary"])
def test_what_names_no_attribute(text: str) -> None:
    assert not is_attribute(text)


@pytest.mark.parametrize(
    ("endpoint", "parts"),
    [
        ("ldap://directory", ("directory", 389, False)),
        ("LDAPS://Directory/", ("directory", 636, True)),
        ("ldap://10.0.0.1:3890", ("10.0.0.1", 3890, False)),
        ("ldaps://[::1]:1", ("::1", 1, True)),
    ],
)
def test_endpoints(endpoint: str, parts: tuple[str, int, bool]) -> None:
    assert address(endpoint) == parts


@pytest.mark.parametrize(
    "endpoint",
    ["directory", "ldapi://x", "ldap://", "ldap://h:port", "ldap://h:99999", "ldap://[x"],
)
def test_what_is_no_endpoint(endpoint: str) -> None:
    with pytest.raises(LdapError, match="no URL of the form"):
        address(endpoint)


def test_keys_that_are_not_set_have_the_usual_values() -> None:
    assert LdapKeys.read({}.get) is None
    values = {"endpoint": "ldap://directory", "user/basedn": "dc=org", "bind/password": "x"}
    found = LdapKeys.read(lambda name: values.get(name, ""))
    assert found == LdapKeys("ldap://directory", user_base="dc=org", bind_password="x")
    assert "'x'" not in repr(found)


def test_attributes_are_found_in_any_case_and_only_as_text() -> None:
    said = {"UID": [b"alice", b"al"], "mail": [b"\xff"], "sn": []}
    assert [first(said, name) for name in ("uid", "mail", "sn", "cn")] == ["alice", "", "", ""]
    assert entry_of(KEYS, DN, said) == Entry(DN, "alice")
    assert entry_of(KEYS, DN, {"mail": [b"a@example.org"]}) is None
    assert entry_of(KEYS, "", said) is None


NOW = datetime(2026, 1, 1, tzinfo=UTC)
USER = User(1, "alice", "old@example.org", "Old", "Name", False, True, NOW, NOW, ("gone",))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (Profile(), Profile("old@example.org", "Old", "Name")),
        (Profile("new@example.org", "New", "Names"), Profile("new@example.org", "New", "Names")),
        (Profile("nowhere", "\x00", "n" * 40), Profile("old@example.org", "Old", "n" * 30)),
        (Profile("a" * 70 + "@example.org"), Profile("old@example.org", "Old", "Name")),
        (
            Profile(groups=("b", "a", "b", "", "\x00")),
            Profile("old@example.org", "Old", "Name", ("a", "b")),
        ),
    ],
)
def test_what_an_account_takes_over(said: Profile, kept: Profile) -> None:
    assert profile_of(USER, said) == kept

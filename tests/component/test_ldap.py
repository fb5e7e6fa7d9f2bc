"""The directory's client against a real slapd: who is let in, whatever is typed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from deis_control.errors import Unavailable
from deis_control.ldap.client import Ldap
from deis_control.ldap.settings import LdapSettings
from deis_control.model import Profile
from tests.fixtures.certificates import Authority
from tests.fixtures.ldap import GROUPS, PEOPLE, PUBLIC, People, Slapd
from tests.fixtures.proxy import relay

AWAY = "The directory (LDAP) cannot be asked; try again later."


@pytest.fixture
def ldap() -> Ldap:
    return Ldap(LdapSettings(timeout=2))


async def test_an_entry_is_what_the_directory_says(ldap: Ldap, people: People) -> None:
    dn = people.person("alice", "secret", givenName="Alice", sn="Liddell", mail="a@example.org")
    people.group("team", member=dn)
    people.group("others", member=people.person("bob"))
    entry = await ldap.authenticate(people.keys(), "alice", "secret")
    assert entry is not None
    assert (entry.dn, entry.name) == (dn, "alice")
    assert entry.profile == Profile("a@example.org", "Alice", "Liddell", ("team",))


@pytest.mark.parametrize(
    "typed",
    [
        "*",
        "al*",
        "ali?e",
        "alice)(uid=*",
        "*)(objectClass=*",
        "alice)(|(uid=*)",
        "\\61lice",
        "\\2a",
        "alice\\",
        "alice\x00",
        "\x00",
        "(uid=alice)",
        "alice,ou=people",
        "",
        "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
        "nobody",
    ],
)
async def test_what_is_typed_is_never_syntax(ldap: Ldap, people: People, typed: str) -> None:
    people.person("alice", "secret")
    assert await ldap.authenticate(people.keys(), typed, "secret") is None
    assert await ldap.authenticate(people.keys(), "alice", "secret") is not None


@pytest.mark.parametrize("name", ["*", "a)(uid=b", "back\\slash", 'a,b+c="d"', "ünï", "#x", "a*b"])
async def test_names_of_any_characters_are_found_and_bound(
    ldap: Ldap, people: People, name: str
) -> None:
    people.person("alice", "secret")
    dn = people.person(name, "secret of it")
    people.group("team", member=dn)
    entry = await ldap.authenticate(people.keys(), name, "secret of it")
    assert entry is not None
    assert (entry.name, entry.profile.groups) == (name, ("team",))
    assert await ldap.authenticate(people.keys(), name, "secret") is None


@pytest.mark.parametrize("password", ["", "Secret", "secret ", "*", "\x00"])
async def test_only_the_password_opens(ldap: Ldap, people: People, password: str) -> None:
    people.person("alice", "secret")
    assert await ldap.authenticate(people.keys(), "alice", password) is None


async def test_a_password_is_sent_as_it_is(ldap: Ldap, people: People) -> None:
    secret = "ﬁ\u00a0Ⅷ\u200dπ"  # its normal form is another one
    people.person("alice", secret)
    assert await ldap.authenticate(people.keys(), "alice", secret) is not None


async def test_somebody_without_a_password_is_not_let_in(ldap: Ldap, people: People) -> None:
    people.person("alice")
    for password in ("", "secret"):
        assert await ldap.authenticate(people.keys(), "alice", password) is None


async def test_two_of_one_name_are_nobody(ldap: Ldap, people: People) -> None:
    people.person("alice", "secret", mail="team@example.org")
    people.person("bob", "secret", mail="team@example.org")
    keys = people.keys(user_attribute="mail")
    assert await ldap.authenticate(keys, "team@example.org", "secret") is None


async def test_any_attribute_may_hold_the_name(ldap: Ldap, people: People) -> None:
    people.person("alice", "secret", mail="alice@example.org")
    keys = people.keys(user_attribute="mail")
    entry = await ldap.authenticate(keys, "ALICE@example.org", "secret")
    assert entry is not None
    assert entry.name == "alice@example.org"


async def test_groups_of_each_type(ldap: Ldap, people: People) -> None:
    more = {"uidNumber": "7", "gidNumber": "70", "homeDirectory": "/"}
    dn = people.person("alice", "secret")
    people.root.modify(
        dn,
        {"objectClass": [("MODIFY_ADD", ["posixAccount"])]}
        | {name: [("MODIFY_ADD", [value])] for name, value in more.items()},
    )
    people.group("names", member=dn)
    people.group("unique", "groupOfUniqueNames", uniqueMember=dn)
    people.group("role", "organizationalRole", roleOccupant=dn)
    people.group("posix", "posixGroup", gidNumber="71", memberUid=["bob", "alice"])
    people.group("primary", "posixGroup", gidNumber="70")
    people.group("foreign", "posixGroup", gidNumber="72", memberUid=["bob"])
    found = {}
    for kind in ("groupOfNames", "groupOfUniqueNames", "organizationalRole", "posixgroup", "none"):
        entry = await ldap.authenticate(people.keys(group_type=kind), "alice", "secret")
        assert entry is not None
        found[kind] = entry.profile.groups
    assert found == {
        "groupOfNames": ("names",),
        "groupOfUniqueNames": ("unique",),
        "organizationalRole": ("role",),
        "posixgroup": ("posix", "primary"),
        "none": (),
    }


async def test_without_a_group_base_there_are_no_groups(ldap: Ldap, people: People) -> None:
    people.group("team", member=people.person("alice", "secret"))
    entry = await ldap.authenticate(people.keys(group_base=""), "alice", "secret")
    assert entry is not None
    assert entry.profile.groups == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "ldap://127.0.0.1:1"},
        {"endpoint": "ldap://no-such-host.invalid"},
        {"endpoint": "127.0.0.1"},
        {"endpoint": "ldap://127.0.0.1:port"},
        {"endpoint": "http://127.0.0.1"},
        {"bind_password": "wrong"},
        {"bind_password": ""},
        {"bind_dn": f"cn=nobody,{PEOPLE}"},
        {"user_base": f"ou=nowhere,{PEOPLE}"},
        {"user_base": "no distinguished name"},
        {"user_attribute": "(uid=*)"},
        {"user_attribute": "uid=*)(uid"},
        {"group_attribute": "objectClass=*)(cn"},
        {"group_base": f"ou=nowhere,{GROUPS}"},
    ],
)
async def test_a_directory_that_is_set_up_wrongly_is_away(
    ldap: Ldap, people: People, changes: dict[str, str]
) -> None:
    people.person("alice", "secret")
    with pytest.raises(Unavailable, match="cannot be asked"):
        await ldap.authenticate(people.keys(**changes), "alice", "secret")


async def test_the_platform_may_search_anonymously(ldap: Ldap, people: People) -> None:
    people.person("alice", "secret", PUBLIC)
    keys = people.keys(bind_dn="", user_base=PUBLIC, group_base="")
    assert await ldap.authenticate(keys, "alice", "secret") is not None
    assert await ldap.authenticate(keys, "alice", "wrong") is None


async def test_the_first_endpoint_that_answers_is_asked(ldap: Ldap, people: People) -> None:
    people.person("alice", "secret")
    keys = people.keys(endpoint=f"ldap://127.0.0.1:1 {people.slapd.endpoint}")
    assert await ldap.authenticate(keys, "alice", "secret") is not None


async def test_tls_is_verified(people: People, slapd: Slapd, tmp_path: Path) -> None:
    people.person("alice", "secret")
    ours = LdapSettings(ca_file=slapd.authority.path)
    foreign = LdapSettings(ca_file=Authority(tmp_path).path)
    keys = people.keys(endpoint=slapd.tls_endpoint)
    assert await Ldap(ours).authenticate(keys, "alice", "secret") is not None
    misnamed = replace(keys, endpoint=slapd.misnamed_endpoint)
    for settings, asked in ((foreign, keys), (LdapSettings(), keys), (ours, misnamed)):
        with pytest.raises(Unavailable):
            await Ldap(settings).authenticate(asked, "alice", "secret")


async def test_start_tls_comes_before_any_password(people: People, slapd: Slapd) -> None:
    people.person("alice", "top secret")
    settings = LdapSettings(ca_file=slapd.authority.path, start_tls=True)
    async with relay(slapd.endpoint) as between:
        keys = people.keys(endpoint=between.endpoint.replace("http", "ldap"))
        assert await Ldap(settings).authenticate(keys, "alice", "top secret") is not None
        assert between.count("top secret") == between.count("reader's secret") == 0
        assert between.sent
        with pytest.raises(Unavailable):
            await Ldap(LdapSettings(start_tls=True)).authenticate(keys, "alice", "top secret")
        assert between.count("top secret") == between.count("reader's secret") == 0


async def test_a_ca_file_that_is_none_is_said_in_time(people: People, tmp_path: Path) -> None:
    settings = LdapSettings(ca_file=tmp_path / "missing.crt")
    with pytest.raises(Unavailable):
        await Ldap(settings).authenticate(
            people.keys(endpoint=people.slapd.tls_endpoint), "alice", "secret"
        )


async def test_a_hanging_directory_costs_its_deadline_and_no_thread(
    ldap: Ldap, people: People, slapd: Slapd
) -> None:
    people.person("alice", "secret")
    clock = asyncio.get_running_loop().time
    slapd.pause()
    started = clock()
    asked = [ldap.authenticate(people.keys(), "alice", "secret") for _ in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {str(answer) for answer in answers} == {AWAY}
    assert clock() - started < 4
    slapd.resume()
    assert await ldap.authenticate(people.keys(), "alice", "secret") is not None


async def test_a_server_that_dribbles_does_not_stretch_the_deadline(
    ldap: Ldap, people: People
) -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not reader.at_eof():
                writer.write(b"\x30\x84\x7f\xff\xff\xff"[:1])
                await writer.drain()
                await asyncio.sleep(0.2)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock = asyncio.get_running_loop().time
    async with server:
        started = clock()
        with pytest.raises(Unavailable):
            await ldap.authenticate(people.keys(endpoint=f"ldap://127.0.0.1:{port}"), "a", "b")
        assert clock() - started < 4


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x03\x02\x01\x01", b""]
)
async def test_a_server_that_speaks_something_else_is_away(
    ldap: Ldap, people: People, said: bytes
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await ldap.authenticate(people.keys(endpoint=f"ldap://127.0.0.1:{port}"), "a", "b")


async def test_tls_that_is_none_is_away(ldap: Ldap, people: People, slapd: Slapd) -> None:
    keys = people.keys(endpoint=f"ldaps://127.0.0.1:{slapd.port}")
    with pytest.raises(Unavailable):
        await ldap.authenticate(keys, "alice", "secret")

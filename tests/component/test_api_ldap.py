"""Logins by the directory over HTTP (api.md section 2, semantics.md 14.2)."""

import asyncio
from dataclasses import replace

import pytest

from deis_control.api import wire
from deis_control.db import users
from deis_control.db.pool import Database
from deis_control.directory import Directory
from deis_control.rules.logins import FREE, Counted
from deis_control.settings import PlatformSettings
from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.runtime.tasks import Tasks
from tests.fixtures.control import Answer, Api, Client
from tests.fixtures.ldap import GROUPS, PEOPLE, READER, READER_PASSWORD, People, Slapd
from tests.fixtures.waiting import eventually

WRONG = {"non_field_errors": ["Unable to log in with provided credentials."]}
CLASH = {"non_field_errors": ["A local account has this user name; log in to that one."]}


@pytest.fixture
async def directory(api: Api, people: People) -> People:
    """A directory with alice in it, which the API uses."""
    people.person("alice", "secret of alice", givenName="Alice", sn="Liddell", mail="a@example.org")
    api.platform = replace(api.platform, ldap=people.keys())
    return people


async def login(api: Api, username: str, password: str) -> Answer:
    return await api.anonymous.post("/v1/auth/login/", {"username": username, "password": password})


async def account(database: Database, username: str) -> dict[str, object]:
    async with database.connection() as conn:
        return wire.user(await users.find(conn, username))


async def names(database: Database) -> list[str]:
    async with database.connection() as conn:
        rows = await conn.fetch("SELECT username FROM users ORDER BY username")
    return [row["username"] for row in rows]


async def test_the_first_login_makes_the_account(
    api: Api, admin: Client, directory: People, database: Database
) -> None:
    answer = await login(api, "alice", "secret of alice")
    assert answer.status == 200
    alice = Client(admin.session, admin.url, answer.json["token"])
    assert (await alice.post("/v1/apps/", {"id": "hello"})).status == 201
    made = await account(database, "alice")
    assert (made["email"], made["first_name"], made["last_name"]) == (
        "a@example.org",
        "Alice",
        "Liddell",
    )
    assert (made["is_superuser"], made["is_staff"], made["is_active"]) == (False, False, True)
    again = await login(api, "alice", "secret of alice")
    assert again.status == 200
    assert await names(database) == ["admin", "alice"]


async def test_somebody_of_the_directory_is_never_the_first_superuser(
    api: Api, directory: People, database: Database
) -> None:
    assert (await login(api, "alice", "secret of alice")).status == 200
    assert (await account(database, "alice"))["is_superuser"] is False
    body = {"username": "root", "password": "secret", "email": ""}
    assert (await api.anonymous.post("/v1/auth/register/", body)).json["is_superuser"] is True


async def test_many_first_logins_at_once_make_one_account(
    api: Api, directory: People, database: Database
) -> None:
    spelled = ["alice", "Alice", "ALICE", " alice"] * 2
    answers = await asyncio.gather(*(login(api, name, "secret of alice") for name in spelled))
    assert {answer.status for answer in answers} == {200}
    assert await names(database) == ["alice"]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "wrong"),
        ("alice", "secret of bob"),
        ("nobody", "secret of alice"),
        ("*", "secret of alice"),
        ("a*", "secret of alice"),
        ("alice)(uid=*", "secret of alice"),
        ("*)(objectClass=*", "secret of alice"),
        ("alice\\", "secret of alice"),
        ("a" * 10_000, "secret of alice"),
    ],
)
async def test_everybody_else_is_nobody(
    api: Api, directory: People, database: Database, username: str, password: str
) -> None:
    directory.person("bob", "secret of bob")
    answer = await login(api, username, password)
    assert (answer.status, answer.json) == (400, WRONG)
    assert await names(database) == []


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [("alice", "", "password"), ("", "x", "username"), ("alice\x00", "x", "username")],
)
async def test_fields_are_checked_before_the_directory_is_asked(
    api: Api, directory: People, username: str, password: str, field: str
) -> None:
    answer = await login(api, username, password)
    assert (answer.status, list(answer.json)) == (400, [field])


async def test_a_disabled_account_stays_disabled(
    api: Api, directory: People, database: Database
) -> None:
    assert (await login(api, "alice", "secret of alice")).status == 200
    async with database.transaction("disable") as conn:
        await conn.execute("UPDATE users SET is_active = false WHERE username = 'alice'")
    answer = await login(api, "alice", "secret of alice")
    disabled = {"non_field_errors": ["User account is disabled."]}
    assert (answer.status, answer.json) == (400, disabled)
    assert (await login(api, "alice", "wrong")).json == WRONG


async def test_groups_are_mirrored_by_each_login(
    api: Api, directory: People, database: Database
) -> None:
    alice, bob = f"uid=alice,{PEOPLE}", directory.person("bob", "secret of bob")
    directory.group("team", member=[alice, bob])
    directory.group("admins", member=alice)
    await login(api, "alice", "secret of alice")
    assert (await account(database, "alice"))["groups"] == ["admins", "team"]
    directory.change(f"cn=admins,{GROUPS}", "member", bob)
    directory.group("third", member=alice)
    assert (await account(database, "alice"))["groups"] == ["admins", "team"]
    await login(api, "alice", "secret of alice")
    assert (await account(database, "alice"))["groups"] == ["team", "third"]
    assert (await account(database, "alice"))["is_superuser"] is False


async def test_the_profile_follows_the_directory(
    api: Api, directory: People, database: Database
) -> None:
    await login(api, "alice", "secret of alice")
    dn = f"uid=alice,{PEOPLE}"
    directory.change(dn, "sn", "Pleasance " * 10)
    directory.change(dn, "mail")
    directory.change(dn, "givenName", "Älice")
    await login(api, "alice", "secret of alice")
    made = await account(database, "alice")
    assert (made["email"], made["first_name"]) == ("a@example.org", "Älice")
    assert made["last_name"] == "Pleasance Pleasance Pleasance"


async def test_a_name_that_no_account_may_have_is_said(
    api: Api, directory: People, database: Database
) -> None:
    directory.person("bob builder", "secret of bob")
    answer = await login(api, "bob builder", "secret of bob")
    assert answer.json == {"non_field_errors": ["The directory's user name cannot be one here."]}
    assert (await login(api, "bob builder", "wrong")).json == WRONG
    assert await names(database) == []


async def test_a_local_account_is_not_taken_over(
    api: Api, admin: Client, directory: People, database: Database
) -> None:
    directory.person("Admin", "secret of another")
    assert (await login(api, "admin", "secret of another")).json == WRONG
    assert (await login(api, "ADMIN", "wrong")).json == WRONG
    assert (await login(api, "ADMIN", "secret of another")).json == CLASH
    assert (await login(api, "admin", "secret")).status == 200
    assert await names(database) == ["admin"]


async def test_a_local_password_is_never_shown_to_the_directory(
    api: Api, bob: Client, directory: People, slapd: Slapd
) -> None:
    slapd.kill()
    assert (await login(api, "bob", "secret")).status == 200
    wrong = await login(api, "bob", "wrong")
    assert (wrong.status, wrong.json) == (400, WRONG)


async def test_no_password_of_the_directory_is_kept(
    api: Api, directory: People, database: Database
) -> None:
    await login(api, "alice", "secret of alice")
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT password FROM users") is None
    api.platform = replace(api.platform, ldap=None)
    for password in ("secret of alice", "nobody's password", "None"):
        assert (await login(api, "alice", password)).json == WRONG


async def test_a_password_of_the_directory_is_not_changed_here(
    api: Api, admin: Client, directory: People
) -> None:
    token = (await login(api, "alice", "secret of alice")).json["token"]
    alice = Client(admin.session, admin.url, token)
    body = {"username": "alice", "password": "secret of alice", "new_password": "mine"}
    kept = {"detail": "The directory (LDAP) keeps this password: change it there."}
    for who, sent in ((alice, body), (admin, body), (admin, {**body, "password": None})):
        fields = {name: value for name, value in sent.items() if value is not None}
        answer = await who.post("/v1/auth/passwd/", fields)
        assert (answer.status, answer.json) == (400, kept)
    assert (await login(api, "alice", "mine")).json == WRONG
    assert (await login(api, "alice", "secret of alice")).status == 200


async def test_a_directory_that_is_away_slows_nobody_down(
    api: Api, directory: People, slapd: Slapd
) -> None:
    slapd.kill()
    for _ in range(10):
        assert (await login(api, "alice", "secret of alice")).status == 503
    slapd.start()
    assert (await login(api, "alice", "secret of alice")).status == 200


async def test_guessing_passwords_of_the_directory_is_slowed_down(
    api: Api, directory: People
) -> None:
    free = FREE[Counted.PAIR]
    answers = [(await login(api, "alice", f"guess {n}")).status for n in range(free + 3)]
    assert answers[:free] == [400] * free
    assert 429 in answers


async def test_a_name_of_the_directory_cannot_be_registered_again(
    api: Api, directory: People
) -> None:
    await login(api, "alice", "secret of alice")
    body = {"username": "alice", "password": "mine", "email": ""}
    answer = await api.anonymous.post("/v1/auth/register/", body)
    assert answer.json == {"username": ["This field must be unique."]}


async def test_without_the_directory_an_answer_is_503_and_local_logins_work(
    api: Api, bob: Client, directory: People, slapd: Slapd
) -> None:
    token = (await login(api, "alice", "secret of alice")).json["token"]
    slapd.kill()
    answer = await login(api, "alice", "secret of alice")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "2"
    assert answer.json == {"detail": "The directory (LDAP) cannot be asked; try again later."}
    assert (await login(api, "bob", "secret")).status == 200
    alice = Client(bob.session, bob.url, token)
    assert (await alice.get("/v1/")).status == 200
    slapd.start()
    assert (await login(api, "alice", "secret of alice")).status == 200


async def test_a_hanging_directory_holds_up_nobody_else(
    api: Api, bob: Client, directory: People, slapd: Slapd
) -> None:
    slapd.pause()
    async with asyncio.TaskGroup() as group:
        hanging = [group.create_task(login(api, f"user{n}", "x")) for n in range(40)]
        async with asyncio.timeout(4):
            for _ in range(5):
                assert (await login(api, "bob", "secret")).status == 200
        assert not any(task.done() for task in hanging)
    assert {task.result().status for task in hanging} == {503}
    slapd.resume()
    assert (await login(api, "alice", "secret of alice")).status == 200


async def test_secrets_are_in_no_log(
    api: Api, directory: People, slapd: Slapd, capfd: pytest.CaptureFixture[str]
) -> None:
    await login(api, "alice", "secret of alice")
    await login(api, "alice", "mistyped secret")
    slapd.kill()
    await login(api, "alice", "secret of alice")
    api.platform = replace(api.platform, ldap=directory.keys(bind_password="reader's other one"))
    slapd.start()
    await login(api, "alice", "secret of alice")
    said = "".join(capfd.readouterr())
    assert said.count("directory unavailable") == 2
    for secret in ("secret of", "mistyped", READER_PASSWORD, "reader's"):
        assert secret not in said
    assert "secret" not in repr(api.platform)
    assert "reader's" not in repr(api.platform)


async def test_the_keys_are_read_while_running(
    api: Api, etcd: Etcd, people: People, database: Database
) -> None:
    alice = people.person("alice", "secret of alice", mail="alice@example.org")
    people.group("team", member=alice)
    settings = Directory(etcd, PlatformSettings(domain="example.com"))

    async def answers(status: int, name: str = "alice") -> bool:
        api.platform = settings.platform()
        return (await login(api, name, "secret of alice")).status == status

    async def mirrored() -> bool:
        return await answers(200) and (await account(database, "alice"))["groups"] == ["team"]

    async def put(name: str, value: str) -> None:
        await etcd.put(keys.setting("controller", f"auth/ldap/{name}"), value.encode())

    async with Tasks() as tasks:
        tasks.start("settings", settings.run())
        await put("bind/dn", READER)
        await put("bind/password", f"{READER_PASSWORD}\n")
        await put("user/basedn", PEOPLE)
        assert await answers(400)
        await put("endpoint", people.slapd.endpoint)
        await eventually(lambda: answers(200))
        assert (await account(database, "alice"))["groups"] == []
        await put("group/basedn", GROUPS)
        await eventually(mirrored)
        await put("bind/password", "changed")
        await eventually(lambda: answers(503))
        await put("bind/password", READER_PASSWORD)
        await put("user/filter", "mail")
        await eventually(lambda: answers(200, "alice@example.org"))
        await etcd.delete(keys.setting("controller", "auth/ldap/endpoint"))
        await eventually(lambda: answers(400, "alice@example.org"))
    assert await names(database) == ["alice", "alice@example.org"]

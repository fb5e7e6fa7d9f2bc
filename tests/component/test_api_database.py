"""A database that is older than the store, over HTTP and by `deisctl database`."""

from dataclasses import replace

import pytest

from deis_node.cluster import keys
from deis_node.cluster.records import Intent
from tests.fixtures.command_line import DEIS, Deis
from tests.fixtures.control import Api, Client
from tests.worlds import make_copy, make_placed, make_route

DATABASE = "/v1/database/"
GHOST = make_copy(app="ghost", release=3)


@pytest.fixture
async def behind(api: Api, admin: Client) -> Intent:
    """The store knows of changes that this database never accepted, and runs an app of theirs."""
    known = Intent(1000, "5e2b7a70-59ff-4b1c-9a0e-2f0c1c7f3f11")
    store = api.leader.cluster.store
    store.put(keys.INTENT, known)
    store.put(keys.placement("host-1", GHOST.container), make_placed(GHOST).placement)
    store.put(keys.route("ghost"), make_route(3, app="ghost"))
    return known


@pytest.fixture
async def deisctl(api: Api, admin: Client, deis: Deis) -> Deis:
    """The operator's command line, logged in as the superuser."""
    await deis.ok("login", api.anonymous.url, "--username=admin", DEIS_PASSWORD="secret")
    return replace(deis, program=DEIS.with_name("deisctl"))


async def test_a_database_that_is_not_behind_says_so_and_takes_no_word(admin: Client) -> None:
    found = (await admin.get(DATABASE)).json
    assert (found["behind"], found["losses"]) == (False, [])
    refused = await admin.post(f"{DATABASE}accept/")
    assert (refused.status, refused.json["detail"][:20]) == (409, "The database knows e")


async def test_what_would_be_lost_is_told_and_then_accepted(
    admin: Client, behind: Intent, fresh_app: str
) -> None:
    loss = {
        "app": "ghost",
        "removed": True,
        "serves": [3],
        "release": None,
        "stops": [{"name": "web.1", "release": 3}],
    }
    found = (await admin.get(DATABASE)).json
    assert (found["behind"], found["store"], found["losses"]) == (True, 1000, [loss])
    assert found["database"] < 1000
    accepted = await admin.post(f"{DATABASE}accept/")
    assert (accepted.status, accepted.json) == (200, found)
    assert not (await admin.get(DATABASE)).json["behind"]
    (line,) = (await admin.get("/v1/audit/?action=database.accept")).json["results"]
    assert (line["actor"], line["before"]["store"], line["after"]) == (
        "admin",
        1000,
        {"ghost": "removed"},
    )


async def test_others_than_administrators_neither_see_nor_accept(
    bob: Client, behind: Intent
) -> None:
    assert (await bob.get(DATABASE)).status == 403
    assert (await bob.post(f"{DATABASE}accept/")).status == 403


async def test_an_operator_sees_it_and_accepts_after_a_question(
    deisctl: Deis, behind: Intent, fresh_app: str
) -> None:
    shown = await deisctl.ok("database", "status")
    assert shown.splitlines()[2:4] == [
        "Accepting it would mean:",
        "  ghost: is removed, for PostgreSQL does not know it; web.1 (v3) stops",
    ]
    ran = await deisctl("database", "accept")
    assert (ran.status, ran.err[:26]) == (1, "Error: Nothing was changed")
    assert "ghost: is removed" in ran.out
    done = await deisctl.ok("database", "accept", "--yes")
    assert done.endswith("Accepted; what is not wanted ends now.\n")
    assert await deisctl.ok("database", "accept", "--yes") == "There is nothing to accept.\n"
    status = await deisctl.ok("database", "status")
    assert status == "PostgreSQL knows every change that the cluster's store knows of.\n"


async def test_the_list_of_hosts_says_so(deisctl: Deis, behind: Intent) -> None:
    *_, last = (await deisctl.ok("hosts", "list")).splitlines()
    assert last.startswith("PostgreSQL is older than the cluster's store:")
    await deisctl.ok("database", "accept", "--yes")
    assert "PostgreSQL" not in await deisctl.ok("hosts", "list")

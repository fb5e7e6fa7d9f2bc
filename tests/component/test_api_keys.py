"""Public keys over HTTP (api.md section 12)."""

import base64

import pytest

from tests.fixtures.control import Api, Client

BLOB = base64.b64encode(b"\x00\x00\x00\x07ssh-rsa and more").decode()
PUBLIC = f"ssh-rsa {BLOB} bob@box\n"


async def test_a_key_is_kept_as_given(bob: Client) -> None:
    made = await bob.post("/v1/keys/", {"id": "bob@box", "public": PUBLIC})
    assert made.status == 201
    assert (made.json["public"], made.json["owner"]) == (PUBLIC, "bob")
    assert len(made.json["fingerprint"].split(":")) == 16
    shown = await bob.get("/v1/keys/bob@box")
    assert shown.json == made.json
    assert (await bob.get("/v1/keys/")).json["results"] == [made.json]


async def test_a_key_belongs_to_one_user_only(admin: Client, bob: Client) -> None:
    await bob.post("/v1/keys/", {"id": "bob@box", "public": PUBLIC})
    other = {"id": "mine", "public": f"ssh-rsa {BLOB} with another comment"}
    unique = {"public": ["This field must be unique."]}
    for client in (bob, admin):
        answer = await client.post("/v1/keys/", other)
        assert (answer.status, answer.json) == (400, unique)


async def test_the_same_id_twice_is_refused(bob: Client) -> None:
    await bob.post("/v1/keys/", {"id": "mine", "public": PUBLIC})
    other = {"id": "mine", "public": f"ssh-rsa {base64.b64encode(b'other').decode()}"}
    assert (await bob.post("/v1/keys/", other)).json == {"id": ["This field must be unique."]}


@pytest.mark.parametrize(
    ("public", "text"),
    [("ssh-rsa", "list index out of range"), ("ssh-rsa abc", "Incorrect padding")],
)
async def test_what_is_no_key_is_refused(bob: Client, public: str, text: str) -> None:
    answer = await bob.post("/v1/keys/", {"id": "mine", "public": public})
    assert (answer.status, answer.json) == (400, {"public": [text]})


async def test_keys_of_others_are_not_there(admin: Client, bob: Client) -> None:
    await bob.post("/v1/keys/", {"id": "bob@box", "public": PUBLIC})
    assert (await admin.get("/v1/keys/bob@box")).status == 404
    assert (await admin.delete("/v1/keys/bob@box")).status == 404
    assert (await admin.get("/v1/keys/")).json["count"] == 0


async def test_a_key_is_removed_without_a_slash(bob: Client) -> None:
    await bob.post("/v1/keys/", {"id": "bob@box", "public": PUBLIC})
    assert (await bob.delete("/v1/keys/bob@box/")).status == 404
    gone = await bob.delete("/v1/keys/bob@box")
    assert (gone.status, gone.text) == (204, "")
    assert (await bob.delete("/v1/keys/bob@box")).json == {"detail": "Not found"}


async def test_the_builder_finds_a_keys_holder(api: Api, bob: Client) -> None:
    made = await bob.post("/v1/keys/", {"id": "bob@box", "public": PUBLIC})
    user, key = await api.services.keys.holder(made.json["fingerprint"])
    assert (user.username, key.id) == ("bob", "bob@box")

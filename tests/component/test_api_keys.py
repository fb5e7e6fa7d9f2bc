"""Public keys over HTTP (api.md section 12)."""

import base64
import hashlib
import re
from urllib.parse import quote

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


async def test_12_a_key_has_the_contracts_fields(bob: Client) -> None:
    made = await bob.post("/v1/keys/", {"id": "bob@box", "public": PUBLIC})
    fields = {"uuid", "owner", "fingerprint", "created", "updated", "id", "public"}
    assert set(made.json) == fields
    digest = hashlib.md5(base64.b64decode(BLOB), usedforsecurity=False).hexdigest()
    assert made.json["fingerprint"].replace(":", "") == digest
    assert re.fullmatch("([0-9a-f]{2}:){15}[0-9a-f]{2}", made.json["fingerprint"])


@pytest.mark.parametrize("key_id", ["a/b c", "a" * 128, "bob@box.pub", "ключ", "../x", "a?b#c"])
async def test_12_an_id_may_be_any_text(bob: Client, key_id: str) -> None:
    assert (await bob.post("/v1/keys/", {"id": key_id, "public": PUBLIC})).status == 201
    path = f"/v1/keys/{quote(key_id, safe='')}"
    assert (await bob.get(path)).json["id"] == key_id
    assert (await bob.delete(path)).status == 204


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"id": ["This field is required."], "public": ["This field is required."]}),
        (
            {"id": "a" * 129, "public": PUBLIC},
            {"id": ["Ensure this field has no more than 128 characters."]},
        ),
        ({"id": "", "public": PUBLIC}, {"id": ["This field may not be blank."]}),
        ({"id": "a", "public": ""}, {"public": ["This field may not be blank."]}),
        (
            {"id": "a", "public": "ssh-rsa AAAA"},
            {"public": ["Ensure this field has at least 16 characters."]},
        ),
    ],
)
async def test_12_what_a_key_may_not_be(
    bob: Client, body: dict[str, str], errors: dict[str, list[str]]
) -> None:
    """Shorter texts than 16 characters break the original client's listing (api.md section 15)."""
    answer = await bob.post("/v1/keys/", body)
    assert (answer.status, answer.json) == (400, errors)


@pytest.mark.parametrize("kind", ["ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ssh-ed25519", "x"])
async def test_12_the_kind_of_key_is_not_checked(bob: Client, kind: str) -> None:
    body = {"id": "mine", "public": f"{kind} {BLOB}"}
    assert (await bob.post("/v1/keys/", body)).status == 201

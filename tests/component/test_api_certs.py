"""TLS certificates over HTTP (api.md section 13)."""

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from deis_control.db.pool import Database
from tests.fixtures.certificates import EXPIRES, issue, private_pem
from tests.fixtures.control import Api, Client

UNIQUE = {"common_name": ["This field must be unique."]}


@pytest.fixture(scope="module")
def body() -> dict[str, str]:
    """A certificate of www.example.org."""
    return issue("www.example.org")


async def test_13_a_certificate_is_shown_without_its_texts(
    bob: Client, body: dict[str, str]
) -> None:
    made = await bob.post("/v1/certs/", body)
    assert made.status == 201
    assert set(made.json) == {"id", "owner", "expires", "created", "updated", "common_name"}
    assert (made.json["common_name"], made.json["owner"]) == ("www.example.org", "bob")
    assert type(made.json["id"]) is int
    assert made.json["expires"] == EXPIRES.strftime("%Y-%m-%dT%H:%M:%SUTC")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC", made.json["created"])
    assert (await bob.get("/v1/certs/www.example.org")).json == made.json
    assert (await bob.get("/v1/certs/")).json["results"] == [made.json]


async def test_13_the_name_may_be_given(bob: Client, body: dict[str, str]) -> None:
    """As the client's --subject-alt-names does: one certificate under several names."""
    for name in ("one.example.org", "two.example.org"):
        made = await bob.post("/v1/certs/", body | {"common_name": name})
        assert (made.status, made.json["common_name"]) == (201, name)


async def test_13_everybody_sees_his_own_even_superusers(
    admin: Client, bob: Client, body: dict[str, str]
) -> None:
    await bob.post("/v1/certs/", body)
    assert (await admin.get("/v1/certs/")).json["count"] == 0
    for answer in (
        await admin.get("/v1/certs/www.example.org"),
        await admin.delete("/v1/certs/www.example.org"),
        await bob.get("/v1/certs/other.example.org"),
        await bob.delete("/v1/certs/other.example.org"),
    ):
        assert (answer.status, answer.json) == (404, {"detail": "Not found"})
    assert (await bob.get("/v1/certs/")).json["count"] == 1


async def test_13_a_name_is_global_given_or_not(
    admin: Client, bob: Client, body: dict[str, str]
) -> None:
    await bob.post("/v1/certs/", body)
    for client in (admin, bob):
        for more in ({}, {"common_name": "www.example.org"}, {"common_name": "WWW.example.org"}):
            answer = await client.post("/v1/certs/", body | more)
            assert (answer.status, answer.json) == (400, UNIQUE)


async def test_13_a_certificate_is_removed_without_a_slash(
    bob: Client, body: dict[str, str]
) -> None:
    await bob.post("/v1/certs/", body)
    gone = await bob.delete("/v1/certs/www.example.org")
    assert (gone.status, gone.text) == (204, "")
    assert (await bob.post("/v1/certs/", body)).status == 201, "the name is free again"


@pytest.mark.parametrize("given", [True, False])
async def test_13_wildcards_are_refused_given_or_not(
    bob: Client, body: dict[str, str], given: bool
) -> None:
    sent = body | {"common_name": "*.example.org"} if given else issue("*.example.org")
    answer = await bob.post("/v1/certs/", sent)
    text = "Wildcard certificates are not supported"
    assert (answer.status, answer.json) == (400, {"common_name": [text]})


async def test_13_without_a_name_anywhere_it_is_400(bob: Client) -> None:
    answer = await bob.post("/v1/certs/", issue(None))
    assert (answer.status, answer.json) == (400, {"common_name": ["This field is required."]})


@pytest.mark.parametrize("name", ["a b", "../../x", "a;b", "x" * 300, "", "host1"])
async def test_13_a_name_must_be_a_host_name(bob: Client, body: dict[str, str], name: str) -> None:
    answer = await bob.post("/v1/certs/", body | {"common_name": name})
    assert (answer.status, list(answer.json)) == (400, ["common_name"])


async def test_13_what_is_no_certificate_is_told(bob: Client, body: dict[str, str]) -> None:
    broken = base64.b64encode(b"\x30\x03\x02\x01\x01").decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{broken}\n-----END CERTIFICATE-----\n"
    for text in ("nothing", body["key"], body["certificate"][:-40], pem):
        answer = await bob.post("/v1/certs/", body | {"certificate": text})
        assert answer.status == 400
        assert answer.json["certificate"][0].startswith("Could not load certificate: ")


async def test_13_the_key_must_be_the_certificates(bob: Client, body: dict[str, str]) -> None:
    """The original kept any text as the key."""
    other = private_pem(ec.generate_private_key(ec.SECP256R1()))
    encrypted = private_pem(ec.generate_private_key(ec.SECP256R1()), b"password")
    for text in ("nothing", body["certificate"], other, encrypted):
        answer = await bob.post("/v1/certs/", body | {"key": text})
        assert (answer.status, list(answer.json)) == (400, ["key"])
        assert text[:30] not in answer.text.replace("-----BEGIN", "")


async def test_13_all_that_is_missing_is_named(bob: Client) -> None:
    required = ["This field is required."]
    answer = await bob.post("/v1/certs/", {})
    assert (answer.status, answer.json) == (400, {"certificate": required, "key": required})


async def test_13_a_chain_follows_its_certificate(bob: Client, body: dict[str, str]) -> None:
    chain = body["certificate"] + issue("authority")["certificate"]
    made = await bob.post("/v1/certs/", body | {"certificate": chain})
    assert (made.status, made.json["common_name"]) == (201, "www.example.org")


async def test_13_rsa_keys_are_keys_too(bob: Client) -> None:
    made = await bob.post(
        "/v1/certs/", issue("rsa.example.org", rsa.generate_private_key(65537, 2048))
    )
    assert made.status == 201


async def test_13_the_key_is_sealed_in_the_database(
    api: Api, bob: Client, body: dict[str, str], database: Database
) -> None:
    await bob.post("/v1/certs/", body)
    async with database.connection() as conn:
        row = await conn.fetchrow("SELECT * FROM certs")
    assert row is not None
    secret = "".join(body["key"].splitlines()[1:-1])
    assert secret[:40] not in str(dict(row))
    assert "PRIVATE KEY" not in str(dict(row))

"""Custom domains over HTTP (api.md section 10)."""

from dataclasses import replace

import pytest

from tests.fixtures.control import Api, Client
from tests.fixtures.events import events_of
from tests.fixtures.logger import RunningLogger

LABELS_253 = ".".join(["a" * 61] * 4) + ".abcde"
BAD = "Hostname does not look valid."


async def test_10_a_domain_has_the_contracts_fields(bob: Client, fresh_app: str) -> None:
    made = await bob.post(f"{fresh_app}/domains/", {"domain": "www.example.org"})
    assert made.status == 201
    assert set(made.json) == {"owner", "created", "updated", "app", "domain"}
    assert (made.json["domain"], made.json["app"], made.json["owner"]) == (
        "www.example.org",
        "hello",
        "bob",
    )
    page = (await bob.get(f"{fresh_app}/domains/")).json
    assert (page["count"], page["results"]) == (1, [made.json])


async def test_10_domains_come_oldest_first_and_per_app(bob: Client, fresh_app: str) -> None:
    await bob.post("/v1/apps/", {"id": "other"})
    for name in ("b.example.org", "a.example.org"):
        await bob.post(f"{fresh_app}/domains/", {"domain": name})
    shown = (await bob.get(f"{fresh_app}/domains/")).json["results"]
    assert [domain["domain"] for domain in shown] == ["b.example.org", "a.example.org"]
    assert (await bob.get("/v1/apps/other/domains/")).json["count"] == 0


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("localhost", "localhost"),
        ("www.example.org.", "www.example.org"),
        ("WWW.Example.ORG", "www.example.org"),
        ("10.0.0.1.xip.io", "10.0.0.1.xip.io"),
        ("a-b.example.org", "a-b.example.org"),
        ("1a.example.org", "1a.example.org"),
        ("a." + "b" * 63 + ".org", "a." + "b" * 63 + ".org"),
        (LABELS_253, LABELS_253),
        ("xn--bcher-kva.example.org", "xn--bcher-kva.example.org"),
    ],
)
async def test_10_what_may_be_a_domain(bob: Client, fresh_app: str, given: str, kept: str) -> None:
    made = await bob.post(f"{fresh_app}/domains/", {"domain": given})
    assert (made.status, made.json["domain"]) == (201, kept)
    assert (await bob.delete(f"{fresh_app}/domains/{given}")).status == 204


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "This field may not be null."),
        ("", "This field may not be blank."),
        ("a." * 127 + "org", "Hostname must be 255 characters or less."),
        ("*.example.org", "Adding a wildcard subdomain is currently not supported."),
        ("*", "Adding a wildcard subdomain is currently not supported."),
        ("www.*.org", BAD),
        ("a_b.example.org", BAD),
        ("a b.example.org", BAD),
        ("www.example.org:80", BAD),
        ("http://www.example.org", BAD),
        ("bücher.example.org", BAD),
        ("-a.example.org", BAD),
        ("a-.example.org", BAD),
        ("a--b.example.org", BAD),
        ("123.example.org", BAD),
        ("169.254.169.254", BAD),
        ("::1", BAD),
        ("host1", BAD),
        ("a..org", BAD),
        (".example.org", BAD),
        ("www.example.org..", BAD),
        ("a." + "b" * 64 + ".org", BAD),
        ("a;b.xip.io", BAD),
        ("www.example.org\n", BAD),
    ],
)
async def test_10_what_may_not(bob: Client, fresh_app: str, given: str | None, text: str) -> None:
    answer = await bob.post(f"{fresh_app}/domains/", {"domain": given})
    assert (answer.status, answer.json) == (400, {"domain": [text]})


async def test_10_it_is_required(bob: Client, fresh_app: str) -> None:
    answer = await bob.post(f"{fresh_app}/domains/", {})
    assert (answer.status, answer.json) == (400, {"domain": ["This field is required."]})


async def test_10_a_domain_leads_to_one_app(bob: Client, fresh_app: str) -> None:
    await bob.post("/v1/apps/", {"id": "other"})
    await bob.post(f"{fresh_app}/domains/", {"domain": "www.example.org"})
    for app in (fresh_app, "/v1/apps/other"):
        same = await bob.post(f"{app}/domains/", {"domain": "www.example.org"})
        assert (same.status, same.json) == (400, {"domain": ["This field must be unique."]})
        for spelled in ("www.example.org.", "WWW.example.org"):
            other = await bob.post(f"{app}/domains/", {"domain": spelled})
            text = "The domain www.example.org is already in use by another app"
            assert (other.status, other.json) == (400, {"domain": [text]})


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "hello.example.com",
        "other.example.com",
        "a.b.example.com",
        "deis.example.org",
        "DEIS.example.org",
        "deis-store.example.org",
        "deis",
        "EXAMPLE.COM.",
    ],
)
async def test_10_the_platforms_own_names_are_refused(
    api: Api, bob: Client, fresh_app: str, name: str
) -> None:
    """An exact domain goes first in the router: it would take others' requests away."""
    api.platform = replace(api.platform, domain="Example.com")
    answer = await bob.post(f"{fresh_app}/domains/", {"domain": name})
    plain = name.lower().removesuffix(".")
    assert (answer.status, answer.json) == (400, {"domain": [f"{plain} is a reserved name."]})


async def test_10_owners_and_superusers_remove(
    api: Api, admin: Client, bob: Client, fresh_app: str
) -> None:
    eve, stranger = await api.user("eve"), await api.user("stranger")
    await bob.post(f"{fresh_app}/perms/", {"username": "eve"})
    for name in ("one.example.org", "two.example.org"):
        made = await eve.post(f"{fresh_app}/domains/", {"domain": name})
        assert (made.status, made.json["owner"]) == (201, "eve")
    for client in (eve, stranger):
        assert (await client.delete(f"{fresh_app}/domains/one.example.org")).status == 403
    gone = await bob.delete(f"{fresh_app}/domains/one.example.org")
    assert (gone.status, gone.text) == (204, "")
    assert (await admin.delete(f"{fresh_app}/domains/two.example.org/")).status == 204
    assert (await bob.get(f"{fresh_app}/domains/")).json["count"] == 0


@pytest.mark.parametrize("name", ["www.example.org", "*.example.org", "a%00b", "%F0%9F%98%80"])
async def test_10_an_unknown_one_is_404(bob: Client, fresh_app: str, name: str) -> None:
    answer = await bob.delete(f"{fresh_app}/domains/{name}")
    assert (answer.status, answer.json) == (404, {"detail": "Not found"})


async def test_10_anothers_domain_is_not_there(bob: Client, fresh_app: str) -> None:
    await bob.post("/v1/apps/", {"id": "other"})
    await bob.post("/v1/apps/other/domains/", {"domain": "www.example.org"})
    assert (await bob.delete(f"{fresh_app}/domains/www.example.org")).status == 404
    assert (await bob.get("/v1/apps/other/domains/")).json["count"] == 1


async def test_10_a_destroyed_apps_domain_is_free(bob: Client, fresh_app: str) -> None:
    await bob.post(f"{fresh_app}/domains/", {"domain": "www.example.org"})
    await bob.delete(f"{fresh_app}/")
    await bob.post("/v1/apps/", {"id": "other"})
    made = await bob.post("/v1/apps/other/domains/", {"domain": "www.example.org"})
    assert made.status == 201


async def test_10_an_app_that_goes_takes_none(api: Api, bob: Client, fresh_app: str) -> None:
    api.leader.paused = True
    accepted = await bob.delete(f"{fresh_app}/", headers={"Prefer": "respond-async"})
    assert accepted.status == 202
    answer = await bob.post(f"{fresh_app}/domains/", {"domain": "www.example.org"})
    assert (answer.status, answer.json) == (409, {"detail": "The app is being destroyed."})


async def test_semantics_9_a_domain_is_one_line_in_the_apps_log(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    async with events_of(api, logger) as lines:
        await bob.post(f"{fresh_app}/domains/", {"domain": "WWW.example.org"})
        await bob.post(f"{fresh_app}/domains/", {"domain": "www.example.org"})
        await bob.delete(f"{fresh_app}/domains/www.example.org")
        await bob.delete(f"{fresh_app}/domains/www.example.org")
    assert lines == ["domain www.example.org added", "domain www.example.org removed"]

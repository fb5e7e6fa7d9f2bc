"""What to do next after the controller refused."""

import pytest

from deis_cli.deis.hints import hint_of, unreachable

URL = "http://deis.example.com"


@pytest.mark.parametrize(
    ("status", "path", "text", "expected"),
    [
        (401, "/v1/apps/", "", f"deis login {URL}"),
        (403, "/v1/users/", "", "Only administrators"),
        (403, "/v1/apps/demo/perms/bob", "", "deis perms:create <you> -a demo"),
        (404, "/v1/apps/demo/", "", "Is demo the app you mean?"),
        (404, "/v1/apps/demo/domains/x.com", "", "deis domains:list -a demo"),
        (404, "/v1/keys/x", "", "`:list`"),
        (409, "/v1/auth/cancel/", "", "deis apps:transfer"),
        (409, "/v1/operations/1/cancel/", "", "deis operations:info"),
        (409, "/v1/apps/demo/config/", "", "deis operations"),
        (429, "/v1/auth/login/", "", "try again"),
        (400, "/v1/apps/demo/scale/", "detail: No build associated with", "git push deis master"),
        (503, "/v1/apps/demo/config/", "", "deis logs -a demo"),
        (502, "/v1/apps/", "", "operator"),
    ],
)
def test_every_refusal_has_a_way_on(status: int, path: str, text: str, expected: str) -> None:
    assert expected in str(hint_of(status, path, URL, text))


@pytest.mark.parametrize("status", [400, 405])
def test_where_the_messages_say_enough_nothing_is_added(status: int) -> None:
    assert hint_of(status, "/v1/apps/", URL) is None


def test_a_controller_out_of_reach_or_unknown() -> None:
    assert "deis whoami" in unreachable(URL, "Connection refused")
    assert "--ssl-verify=false" in unreachable(URL, "[SSL: CERTIFICATE_VERIFY_FAILED]")

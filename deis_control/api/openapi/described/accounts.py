"""Accounts and what belongs to them: tokens, keys, certificates. PURE."""

from collections.abc import Mapping

from deis_control.api import auth, certs, keys, tokens, users
from deis_control.api.bodies import JSON
from deis_control.api.openapi import bodies, shapes
from deis_control.api.openapi.declaring import Answer, Described, gives, listing, nothing
from deis_control.api.openapi.schema import text
from deis_control.api.permissions import Endpoint

_OTHERS = "Naming somebody else needs a superuser."
_UNKNOWN = {404: "There is no such account."}

DESCRIBED: Mapping[Endpoint, Described] = {
    auth.register: Described(
        "Register an account",
        gives(201, shapes.ACCOUNT),
        bodies.REGISTRATION,
        doc="Log in afterwards: no token is answered here.",
        refusals={403: "Registration is disabled, or for superusers only."},
    ),
    auth.login: Described(
        "Log in",
        gives(200, shapes.LOGIN_TOKEN),
        bodies.CREDENTIALS,
        doc="Each login makes another token; older ones stay valid.",
        refusals={429: "Too many logins failed; `Retry-After` says when to try again."},
    ),
    auth.logout: Described("Log out", nothing(204, "The token is over.")),
    auth.regenerate: Described(
        "Replace tokens",
        {
            200: Answer(
                "The new token; an empty text when everybody's were replaced, who then have to "
                "log in.",
                {JSON: {"anyOf": [shapes.LOGIN_TOKEN, text("Empty.", "", choices=("",))]}},
            )
        },
        bodies.REGENERATION,
        refusals=_UNKNOWN,
    ),
    users.passwd: Described(
        "Change a password",
        gives(200, shapes.PASSWORD_SET),
        bodies.PASSWORD_CHANGE,
        doc=f"Tokens stay valid. {_OTHERS}",
        refusals={
            **_UNKNOWN,
            429: "Too many wrong passwords; `Retry-After` says when to try again.",
        },
    ),
    users.cancel: Described(
        "Cancel an account",
        nothing(204, "The account is gone, with its keys, tokens and certificates."),
        bodies.WHOSE,
        doc=f"What it made in others' apps becomes their owners'. {_OTHERS}",
        refusals={**_UNKNOWN, 409: "It still owns apps."},
    ),
    users.page: listing("List accounts", shapes.ACCOUNT),
    users.page_of_admins: listing("List superusers", shapes.ADMINISTRATOR),
    users.grant_admin: Described(
        "Make a superuser",
        nothing(201, "The account administers the platform."),
        bodies.WHOM,
        refusals=_UNKNOWN,
    ),
    users.revoke_admin: Described(
        "Make a superuser one no more", nothing(204, "The account is one like any other.")
    ),
    tokens.page: listing("List tokens", shapes.TOKEN, doc="Those of logins have no name."),
    tokens.create: Described(
        "Create a named token",
        gives(201, shapes.NEW_TOKEN),
        bodies.NEW_TOKEN,
        refusals={404: "There is no such app."},
    ),
    tokens.remove: Described("Remove a token", nothing(204, "The token is over.")),
    keys.page: listing("List public keys", shapes.KEY),
    keys.add: Described("Add a public key", gives(201, shapes.KEY), bodies.NEW_KEY),
    keys.show: Described("Show a public key", gives(200, shapes.KEY)),
    keys.remove: Described("Remove a public key", nothing(204, "The key is gone.")),
    certs.page: listing("List certificates", shapes.CERTIFICATE),
    certs.add: Described(
        "Add a certificate", gives(201, shapes.CERTIFICATE), bodies.NEW_CERTIFICATE
    ),
    certs.show: Described("Show a certificate", gives(200, shapes.CERTIFICATE)),
    certs.remove: Described("Remove a certificate", nothing(204, "The certificate is gone.")),
}

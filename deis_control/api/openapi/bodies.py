"""What the API reads: every request body of `schemas` and `rules`, field by field. PURE."""

from deis_control.api.openapi.schema import (
    Shape,
    anything,
    flag,
    mapping,
    nullable,
    number,
    text,
)
from deis_control.api.schemas import HOOK_LIMIT
from deis_control.model import Scope
from deis_control.rules import accounts, builds, certs, hosts, tokens
from deis_control.rules.configs import CONFIG_LIMIT, VALUE_LIMIT
from deis_control.rules.domains import DOMAIN_LIMIT
from deis_control.rules.scaling import COPIES_LIMIT, VERSION_LIMIT
from deis_control.rules.sections import CPU_LIMIT
from deis_node.cluster.names import APP_ID_LIMIT, APP_ID_PATTERN, TYPE_LIMIT, TYPE_PATTERN

_SHA = "9fb8c1e5b4b0c2c5a5a7d1d8b2ac4f2a6f5a1e37"
_TYPE = rf"^(?=.{{1,{TYPE_LIMIT}}}$){TYPE_PATTERN.pattern}$"
_LIMITED_TYPE = r"^[a-z]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$"
_NAMED = text("A user name.", "ben", blank=False)

REGISTRATION = Shape(
    "Registration",
    "A new account. The first one becomes superuser.",
    {
        "username": text(
            "Letters, digits and `@ . + - _`; nobody else's.",
            "ben",
            limit=accounts.USERNAME_LIMIT,
            blank=False,
            pattern="^[A-Za-z0-9_.@+-]+$",
        ),
        "password": text(
            "Anything.", "a secret", limit=accounts.PASSWORD_LIMIT, blank=False, form="password"
        ),
        "email": text("An address; may be empty.", "ben@example.com", limit=accounts.EMAIL_LIMIT),
        "first_name": text("May be empty.", "Ben", limit=accounts.NAME_LIMIT),
        "last_name": text("May be empty.", "Other", limit=accounts.NAME_LIMIT),
    },
    optional=("email", "first_name", "last_name"),
)
COMMAND = Shape(
    "Command",
    "A one-off command.",
    {"command": text("For the image's `/bin/sh -c`; at most 64 KiB.", "true", blank=False)},
)
CREDENTIALS = Shape(
    "Credentials",
    "Who logs in.",
    {
        "username": _NAMED,
        "password": text("The password.", "a secret", blank=False, form="password"),
    },
)
REGENERATION = Shape(
    "Regeneration",
    "Whose token is replaced; without fields the caller's own.",
    {
        "username": text("Somebody's; superusers only.", "ben", blank=False),
        "all": anything("Everybody's, whatever the value; superusers only.", True),
    },
    optional=("username", "all"),
    example={},
)
PASSWORD_CHANGE = Shape(
    "PasswordChange",
    "A new password.",
    {
        "new_password": text(
            "It.", "a new one", limit=accounts.PASSWORD_LIMIT, blank=False, form="password"
        ),
        "password": text(
            "The present one; a superuser may leave it out.",
            "a secret",
            limit=accounts.PASSWORD_LIMIT,
            blank=False,
            form="password",
        ),
        "username": text("Whose; superusers may name others.", "ben", blank=False),
    },
    optional=("password", "username"),
)
WHOM = Shape("Whom", "An account.", {"username": _NAMED})
WHOSE = Shape(
    "Whose",
    "An account, the caller's own when it is left out; superusers may name others.",
    {"username": _NAMED},
    optional=("username",),
)
NEW_TOKEN = Shape(
    "NewToken",
    "A named token.",
    {
        "name": text(
            "Letters, digits, spaces and `. _ @ + -`; none of your others'.",
            "ci",
            limit=tokens.NAME_LIMIT,
            blank=False,
            pattern="^[A-Za-z0-9][A-Za-z0-9._@+ -]*$",
        ),
        "scope": text(
            "`read` looks at all but config values; `deploy` also changes what runs and looks at "
            "those; `admin` may everything that you may.",
            "deploy",
            choices=Scope,
        ),
        "app": text("The only app that it shall be good for.", "hello", blank=False),
        "expires": text(
            "How long it lives (`90d`, `12h`, `30m`) or until when (RFC 3339), ten years at most.",
            "90d",
            blank=False,
        ),
    },
    optional=("app", "expires"),
)
NEW_KEY = Shape(
    "NewKey",
    "A public key, which nobody has added yet.",
    {
        "id": text(
            "Its name; none of your others'.",
            "ben@laptop",
            limit=accounts.KEY_ID_LIMIT,
            blank=False,
        ),
        "public": text(
            "The line of the `.pub` file.",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDxzGxBbNpY8ZQJ8jvVUUQ0TjhkyZSEJWgCYMz0mNc8v ben",
            limit=accounts.KEY_LIMIT,
            blank=False,
        ),
    },
)
NEW_CERTIFICATE = Shape(
    "NewCertificate",
    "A certificate with its private key.",
    {
        "certificate": text(
            "PEM; the chain, if there is one, follows.",
            "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
            limit=certs.PEM_LIMIT,
            blank=False,
        ),
        "key": text(
            "PEM, not encrypted.",
            "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n",
            limit=certs.PEM_LIMIT,
            blank=False,
        ),
        "common_name": text(
            "The domain to use it for; left out, the subject's common name. No wildcards.",
            "www.example.org",
            limit=DOMAIN_LIMIT,
            blank=False,
        ),
    },
    optional=("common_name",),
)
NEW_APP = Shape(
    "NewApp",
    "A new app.",
    {
        "id": text(
            "Its name; left out, one is drawn. No name of the platform's.",
            "hello",
            limit=APP_ID_LIMIT,
            blank=False,
            pattern=f"^{APP_ID_PATTERN.pattern}$",
        )
    },
    optional=("id",),
)
TRANSFER = Shape(
    "Transfer",
    "Who shall own the app; without a field nothing changes.",
    {"owner": text("A user name; the owner and superusers may.", "ben", blank=False)},
    optional=("owner",),
)
CONFIG_CHANGE = Shape(
    "ConfigChange",
    "What changes; null removes. Keys that are not named stay. A section may also be the JSON "
    "text of an object, as forms send it.",
    {
        "values": mapping(
            nullable(text("Its value.", limit=VALUE_LIMIT)),
            f"Name → value. A value may have {VALUE_LIMIT} bytes of UTF-8, all together "
            f"{CONFIG_LIMIT}.",
            {"GREETING": "hi", "OLD": None},
            keys="^[A-Za-z_][A-Za-z0-9_]*$",
        ),
        "memory": mapping(
            nullable(text("A limit.", pattern="^[0-9]{1,12}([MmKkGg][Bb]|[BbKkMmGg])$")),
            "Process type → memory limit, a number with the unit `B`, `K`, `M` or `G`.",
            {"web": "512M"},
            keys=_LIMITED_TYPE,
        ),
        "cpu": mapping(
            nullable(number("Shares.", least=0, most=CPU_LIMIT)),
            "Process type → CPU shares.",
            {"web": 512},
            keys=_LIMITED_TYPE,
        ),
        "tags": mapping(
            nullable(text("Its value.", pattern="^[A-Za-z0-9_]+$")),
            "What a host must be tagged with to run the app.",
            {"disk": "ssd"},
            keys="^[A-Za-z]+$",
        ),
    },
    optional=("values", "memory", "cpu", "tags"),
)
NEW_BUILD = Shape(
    "NewBuild",
    "An image to deploy.",
    {
        "image": text(
            "Its name, with a registry or a tag if it has one.",
            "example/hello:v2",
            limit=builds.IMAGE_LIMIT,
            blank=False,
            pattern="^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$",
        ),
        "procfile": mapping(
            text("A command.", limit=builds.COMMAND_LIMIT),
            f"Process type → command. A command may have {builds.COMMAND_LIMIT} bytes, all "
            f"together {builds.PROCFILE_LIMIT}. Left out, the image's own command is `cmd`.",
            {"web": "./serve"},
            keys=_TYPE,
        ),
        "sha": text(
            "The commit, for an image that a builder put into the platform's registry.",
            limit=builds.SHA_LIMIT,
            pattern="^[0-9A-Za-z]*$",
        ),
        "dockerfile": text(
            "Not empty when the image was made of a Dockerfile.", limit=builds.COMMAND_LIMIT
        ),
    },
    optional=("procfile", "sha", "dockerfile"),
)
ROLLBACK = Shape(
    "Rollback",
    "Where to.",
    {
        "version": nullable(
            number(
                "A release's number; left out, null or 0, the one before the latest.",
                1,
                least=0,
                most=VERSION_LIMIT,
            )
        )
    },
    optional=("version",),
)
SCALE = Shape(
    "Scale",
    "How many copies of which process type; those that are not named stay as they are.",
    {},
    others=number("Copies.", least=0, most=COPIES_LIMIT),
    example={"web": 3},
)
NEW_DOMAIN = Shape(
    "NewDomain",
    "A custom domain.",
    {
        "domain": text(
            "A host name that leads nowhere yet. No wildcards, no name of the platform's.",
            "www.example.org",
            blank=False,
            limit=DOMAIN_LIMIT,
        )
    },
)
_RECEIVER = {
    "receive_user": text("Who pushes.", "ann", blank=False),
    "receive_repo": text("The app's id.", "hello", blank=False),
}
RECEIVER = Shape("Receiver", "Who pushes where.", _RECEIVER)
NEW_PUSH = Shape(
    "NewPush",
    "A push that shall be let in.",
    {
        "sha": text("The commit.", _SHA, blank=False, limit=builds.SHA_LIMIT),
        **{
            name: text(doc, example, blank=False, limit=HOOK_LIMIT)
            for name, doc, example in (
                ("receive_user", "Who pushes.", "ann"),
                ("receive_repo", "The app's id.", "hello"),
                ("fingerprint", "Of the key that sshd let in.", "b6:4c:f3:cd:58:3d:1f:66"),
                ("ssh_connection", "As sshd tells it.", "192.0.2.7 50000 192.0.2.1 2222"),
                ("ssh_original_command", "As sshd tells it.", "git-receive-pack 'hello.git'"),
            )
        },
    },
)
PUSHED_BUILD = Shape(
    "PushedBuild",
    "What a builder built.",
    {**_RECEIVER, **NEW_BUILD.fields},
    optional=NEW_BUILD.optional,
)
HOST_CHANGE = Shape(
    "HostChange",
    "What of a host changes; fields that are not named stay.",
    {
        "tags": mapping(
            nullable(text("Its value.", limit=hosts.TAG_LIMIT, pattern=f"^{hosts.TAG_VALUE}$")),
            "Key → value, which wins over the host's own; null removes a tag. The hosts of one "
            "`zone` count as failing together.",
            {"zone": "z1", "disk": None},
            keys=f"^{hosts.TAG_KEY}$",
        ),
        "cordoned": flag("Whether it takes no new copies.", example=True),
        "draining": flag("Whether its copies are moved away; it takes no new ones either."),
    },
    optional=("tags", "cordoned", "draining"),
)

"""What the API answers: every object of `wire`, field by field. PURE."""

from deis_control.api.openapi.schema import (
    Shape,
    anything,
    flag,
    listed,
    mapping,
    moment,
    nullable,
    number,
    real,
    stamp,
    text,
    uuid,
)
from deis_control.model import Act, Kind, OpPhase, RunState, Scope

_SHA = "9fb8c1e5b4b0c2c5a5a7d1d8b2ac4f2a6f5a1e37"

DETAIL = Shape(
    "Detail",
    "An error in one sentence.",
    {"detail": text("What is wrong.", "Not found")},
)
MISMATCH = Shape(
    "Mismatch",
    "The client declares another version.",
    {"error": text("What is wrong.", "Client and server versions do not match. …")},
)
FIELD_ERRORS = Shape(
    "FieldErrors",
    "What is wrong, field by field; `non_field_errors` holds what is about none of them.",
    {},
    others=listed(text("One message."), "Messages about the field."),
    example={"username": ["This field is required."]},
)

ACCOUNT = Shape(
    "Account",
    "An account.",
    {
        "email": text("May be empty.", "ann@example.com"),
        "username": text("The name to log in with.", "ann"),
        "first_name": text("May be empty.", "Ann"),
        "last_name": text("May be empty.", "Other"),
        "is_superuser": flag("Whether it administers the platform."),
        "is_staff": flag("The same; kept for Deis v1."),
        "groups": listed(text("A group."), "Always empty; kept for Deis v1.", []),
        "user_permissions": listed(text("A permission."), "Always empty; kept for Deis v1.", []),
        "last_login": moment("When it logged in last."),
        "date_joined": moment("When it was made."),
        "is_active": flag("Whether it may log in.", example=True),
    },
)
ADMINISTRATOR = Shape(
    "Administrator",
    "An account that administers the platform.",
    {"username": text("Its name.", "ann"), "is_superuser": flag("Always true.", example=True)},
)
LOGIN_TOKEN = Shape(
    "LoginToken",
    "A new token.",
    {"token": text("40 hexadecimal digits.", "0123456789" * 4, pattern="^[0-9a-f]{40}$")},
)
PASSWORD_SET = Shape(
    "PasswordSet",
    "The password was changed.",
    {"status": text("Always this text.", "password set", choices=("password set",))},
)
TOKEN = Shape(
    "Token",
    "A token, without its digits.",
    {
        "id": uuid("Its id."),
        "name": text("Its name; empty for one that a login made.", "ci"),
        "scope": text("What it is good for.", "deploy", choices=Scope),
        "app": nullable(text("The only app that it is good for; null for all.", "hello")),
        "created": moment("When it was made."),
        "last_used": nullable(moment("When it was used last, to the minute.")),
        "expires": nullable(moment("When it ends; null for never.")),
        "current": flag("Whether it is the one that this request carries."),
    },
)
NEW_TOKEN = Shape(
    "CreatedToken",
    "A token with its digits, which are shown this once.",
    {**TOKEN.fields, "token": LOGIN_TOKEN.fields["token"]},
)
AUDIT_LINE = Shape(
    "AuditLine",
    "Who did what, when and from where.",
    {
        "id": number("Counts up.", 42),
        "at": moment("When."),
        "actor": text("Who: a user name.", "ann"),
        "address": text("From which address; empty when it was the platform.", "192.0.2.7"),
        "token": nullable(text("By which named token; null for a login's.", "ci")),
        "action": text("What.", "scale", choices=Act),
        "app": nullable(text("On which app; null when it was on none.", "hello")),
        "target": text("On what of it, in words; may be empty.", "www.example.org"),
        "before": nullable(
            mapping({}, "What was changed, as it was; secrets by name only.", {"web": 1})
        ),
        "after": nullable(mapping({}, "The same, as it is since.", {"web": 3})),
        "outcome": text("Whether it was done.", "ok", choices=("ok", "refused")),
    },
)
KEY = Shape(
    "Key",
    "A public key for `git push`.",
    {
        "uuid": uuid("Its uuid."),
        "owner": text("Whose it is.", "ann"),
        "fingerprint": text(
            "MD5 of the key, in pairs of digits.", "b6:4c:f3:cd:58:3d:1f:66:2a:21:d5:f6:65:a1:94:e2"
        ),
        "created": stamp("When it was added."),
        "updated": stamp("The same."),
        "id": text("Its name among its owner's keys.", "ann@laptop"),
        "public": text("The whole line.", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… ann@laptop"),
    },
)
CERTIFICATE = Shape(
    "Certificate",
    "A TLS certificate of a custom domain; neither its text nor its key is ever shown.",
    {
        "id": number("Its number.", 1),
        "owner": text("Who added it.", "ann"),
        "expires": stamp("Until when it is valid."),
        "created": stamp("When it was added."),
        "updated": stamp("The same."),
        "common_name": text("The domain that it is used for.", "www.example.org"),
    },
)
APP = Shape(
    "App",
    "An app.",
    {
        "uuid": uuid("Stays the same for as long as the app lives."),
        "id": text("Its name.", "hello"),
        "owner": text("Whose it is.", "ann"),
        "url": text("The host name under which it is served.", "hello.example.com"),
        "structure": mapping(
            number("Copies."), "How many copies of which process type it runs.", {"web": 1}
        ),
        "created": stamp("When it was made."),
        "updated": stamp("When it was scaled or given away last."),
    },
)
CONFIG = Shape(
    "Config",
    "An app's environment, limits and tags.",
    {
        "uuid": uuid("Each change makes another config."),
        "app": text("The app's id.", "hello"),
        "owner": text("Who made it.", "ann"),
        "values": mapping(text("Its value."), "The environment: name → value.", {"GREETING": "hi"}),
        "memory": mapping(text("A limit."), "Process type → memory limit.", {"web": "512M"}),
        "cpu": mapping(number("Shares."), "Process type → CPU shares, 0 to 1024.", {"web": 512}),
        "tags": mapping(
            text("Its value."), "What a host must be tagged with to run the app.", {"disk": "ssd"}
        ),
        "created": stamp("When it was made."),
        "updated": stamp("The same."),
    },
)
BUILD = Shape(
    "Build",
    "An image and what runs in it.",
    {
        "owner": text("Who deployed it.", "ann"),
        "app": text("The app's id.", "hello"),
        "image": text("As it was given.", "hello"),
        "sha": text("The commit; empty for an image that was pulled.", _SHA),
        "procfile": mapping(text("A command."), "Process type → command.", {"web": "./serve"}),
        "dockerfile": text("Not empty for an app with a Dockerfile.", ""),
        "created": stamp("When it was made."),
        "updated": stamp("The same."),
        "uuid": uuid("Its uuid."),
    },
)
RELEASE = Shape(
    "Release",
    "A build with a config, numbered.",
    {
        "uuid": uuid("Its uuid."),
        "app": text("The app's id.", "hello"),
        "owner": text("Who released it.", "ann"),
        "created": stamp("When it was made."),
        "updated": stamp("The same."),
        "version": number("Its number, from 1.", 2, least=1),
        "summary": text("What is new in it.", "ann deployed 9fb8c1e"),
        "config": uuid("Its config."),
        "build": nullable(uuid("Its build; null before the first one.")),
    },
)
VERSION = Shape("Version", "A release's number.", {"version": number("It.", 3, least=1)})
CONTAINER = Shape(
    "Container",
    "A copy of an app's process.",
    {
        "owner": text("The app's owner.", "ann"),
        "app": text("The app's id.", "hello"),
        "release": text("Of which release it is.", "v2", pattern="^v[0-9]+$"),
        "type": text("Its process type.", "web"),
        "num": number("Its number among those of its type.", 1, least=1),
        "state": text(
            "How it is.",
            "up",
            choices=(
                "initialized",
                "created",
                "up",
                "down",
                "destroyed",
                "crashed",
                "error",
                "unknown",
            ),
        ),
        "created": stamp("When it was placed."),
        "updated": stamp("The same."),
        "uuid": uuid("Its uuid."),
    },
)
DOMAIN = Shape(
    "Domain",
    "A custom domain of an app.",
    {
        "owner": text("Who added it.", "ann"),
        "created": stamp("When it was added."),
        "updated": stamp("The same."),
        "app": text("The app's id.", "hello"),
        "domain": text("The host name, in lower case.", "www.example.org"),
    },
)
GRANTS = Shape(
    "Grants",
    "Who beside its owner may use an app.",
    {"users": listed(text("A user name."), "Their names.", ["ben"])},
)
PHASE_LINE = Shape(
    "PhaseLine",
    "A line of an operation's progress.",
    {
        "seq": number("Counts up; where a watcher goes on.", 3),
        "phase": text("The phase that began.", "starting", choices=OpPhase),
        "text": text("What happens, in words; may be empty.", "web.1 is starting"),
        "at": moment("When."),
    },
)
OPERATION = Shape(
    "Operation",
    "A change of what an app runs, and how far it is.",
    {
        "id": uuid("Its id."),
        "app": text("The app's id.", "hello"),
        "seq": number("Its place in the app's queue; counts up.", 7),
        "kind": text("What kind of change.", "scale", choices=Kind),
        "actor": text("Who asked for it.", "ann"),
        "summary": text("What the change is; secrets by name only.", "scale web=3"),
        "release": nullable(number("The number of the release that it makes.", 3)),
        "phase": text("How far it is.", "starting", choices=OpPhase),
        "outcome": nullable(
            text(
                "How it ended; null while it has not.",
                "done",
                choices=("done", "failed", "cancelled"),
            )
        ),
        "cancel": flag("Whether somebody asked for its end."),
        "reason": text("Why it failed; empty otherwise.", ""),
        "created": moment("When it was accepted."),
        "started": nullable(moment("When its turn came.")),
        "ended": nullable(moment("When it was over.")),
    },
)
OPERATION_IN_FULL = Shape(
    "OperationInFull",
    "An operation with its progress so far.",
    {**OPERATION.fields, "phases": listed(PHASE_LINE, "Oldest first.")},
)
_PLANNED = Shape(
    "PlannedCopy",
    "A copy of a process.",
    {"name": text("Type and number.", "web.1"), "release": number("Of which release.", 3)},
)
_COUNTS = mapping(number("How many.", 1, least=0), "Process type to number of copies.", {"web": 1})
DRY_RUN = Shape(
    "DryRun",
    "What a change would come to if it were carried out now.",
    {
        "dry_run": flag("Always true.", example=True),
        "kind": text("What kind of change.", "config", choices=Kind),
        "summary": text("What the change is; secrets by name only.", "config: set A"),
        "release": nullable(number("The number of the release that it would make.", 3)),
        "release_summary": nullable(text("What would be new in it.", "ann added A")),
        "structure": _COUNTS,
        "start": listed(_PLANNED, "Copies that would start."),
        "stop": listed(_PLANNED, "Copies that would stop."),
        "keep": listed(_PLANNED, "Copies that would stay."),
        "queued_before": number("Unfinished changes, whose outcome is not foreseen.", 0, least=0),
    },
)
RUN = Shape(
    "Run",
    "A one-off command.",
    {
        "app": text("The app's id.", "hello"),
        "num": number("Its number, counting up.", 1, least=1),
        "release": nullable(number("The release that it runs with.", 2)),
        "command": text("The command.", "bin/migrate"),
        "actor": text("Who asked for it.", "ann"),
        "state": text("How far it is.", "done", choices=RunState),
        "exit_code": nullable(number("How it ended; null before.", 0)),
        "reason": text("Why it failed; empty otherwise.", ""),
        "truncated": flag("Whether only the last of its output was kept."),
        "created": moment("When it was accepted."),
        "started": nullable(moment("When it started.")),
        "ended": nullable(moment("When it ended.")),
    },
)
RUN_IN_FULL = Shape(
    "RunInFull",
    "A one-off command with what it wrote.",
    {**RUN.fields, "output": nullable(text("Null before its end, or when it is kept no more."))},
)
_LAST_EXIT = Shape(
    "LastExit",
    "How a copy ended last.",
    {
        "code": number("Its exit code.", 1),
        "signal": nullable(number("The signal that ended it.", 9)),
        "oom": flag("Whether it was out of memory."),
        "finished": nullable(text("When, as the Docker Engine says.")),
        "why": nullable(text("Why the platform ended it; null when it ended by itself.")),
        "lines": listed(text("A line."), "Its last lines, oldest first."),
    },
)
_PROCESS = Shape(
    "ExplainedProcess",
    "A copy: where it runs, why there, and how it does.",
    {
        "process": text("Type and number.", "web.1"),
        "container": text("Its name.", "hello_v2.web.1"),
        "type": text("Its process type.", "web"),
        "num": number("Its number.", 1),
        "release": number("Of which release.", 2),
        "generation": number("Counts up each time it is made again.", 1),
        "host": text("Where it runs.", "host-1"),
        "why": nullable(text("Why there.", "the only host that fits")),
        "state": text("As in the list of containers.", "up"),
        "waits": nullable(text("What it waits for; null when for nothing.", "host-1 ends it")),
        "phase": nullable(text("What its host observes.", "running")),
        "ready": flag("Whether it may get requests.", example=True),
        "address": nullable(text("Where it answers.", "10.0.0.1:20001")),
        "restarts": number("How often it was started again.", 0),
        "last_exit": nullable(_LAST_EXIT.schema()),
        "error": nullable(text("Why it is not ready.")),
        "image": text("By digest."),
        "command": nullable(listed(text("An argument."), "Null for the image's own command.")),
        "memory": nullable(number("Its limit in bytes.")),
        "cpu": nullable(number("Its CPU shares.")),
        "created": moment("When it was placed."),
    },
)
_MISSING = Shape(
    "MissingCopy",
    "A copy that is wanted and on no host.",
    {**_PLANNED.fields, "waits": text("Why.", "no host takes it: host-1 is cordoned")},
)
EXPLANATION = Shape(
    "Explanation",
    "Where an app's copies run, why there, and how they do.",
    {
        "app": text("The app's id.", "hello"),
        "release": number("The latest live release.", 2),
        "structure": _COUNTS,
        "stopped": listed(text("A process type."), "Types that are stopped."),
        "processes": listed(_PROCESS, "The copies, oldest first."),
        "missing": listed(_MISSING, "Wanted copies that are on no host."),
    },
)
_BUILT = Shape(
    "DiffedBuild",
    "A build in short.",
    {
        "uuid": uuid("Its uuid."),
        "image": text("As given.", "hello"),
        "sha": text("The commit; empty for an image that was pulled.", _SHA),
    },
)
_PAIR = anything("[old, new], null where there is none.", [None, "1G"])
_SECTION = mapping(_PAIR, "What differs, by key.")
_PARTS = Shape(
    "Parts",
    "What was added, changed and removed: by name, or with values.",
    {
        "added": anything("Names, or name to value.", ["A"]),
        "changed": anything("Names, or name to [old, new].", []),
        "removed": anything("Names, or name to value.", []),
    },
)
RELEASE_DIFF = Shape(
    "ReleaseDiff",
    "What differs between two releases.",
    {
        "app": text("The app's id.", "hello"),
        "from": number("The one release.", 2),
        "to": number("The other.", 1),
        "build": Shape(
            "BuildDiff",
            "The builds of both.",
            {
                "from": nullable(_BUILT.schema()),
                "to": nullable(_BUILT.schema()),
                "changed": flag("Whether they are not the same."),
            },
        ),
        "procfile": _PARTS,
        "values": _PARTS,
        "memory": _SECTION,
        "cpu": _SECTION,
        "tags": _SECTION,
    },
)
PUSH = Shape(
    "Push",
    "A `git push` that was let in.",
    {
        "uuid": uuid("Its uuid."),
        "owner": text("Who pushes.", "ann"),
        "app": text("Where to.", "hello"),
        "sha": text("The commit.", _SHA),
        "fingerprint": text("Of the key.", "b6:4c:f3:cd:58:3d:1f:66:2a:21:d5:f6:65:a1:94:e2"),
        "receive_user": text("Who pushes.", "ann"),
        "receive_repo": text("Where to.", "hello"),
        "ssh_connection": text("As sshd told it.", "192.0.2.7 50000 192.0.2.1 2222"),
        "ssh_original_command": text("As sshd told it.", "git-receive-pack 'hello.git'"),
        "created": stamp("When."),
        "updated": stamp("The same."),
    },
)
PUSHED = Shape(
    "Pushed",
    "What became of a push.",
    {
        "release": VERSION,
        "domains": listed(text("A host name."), "Where the app is served.", ["hello.example.com"]),
    },
)
NOTHING = Shape("Nothing", "An object without fields.", {})
HOST = Shape(
    "Host",
    "A host of the cluster, or what is left of one.",
    {
        "name": text("Its name.", "host-1"),
        "address": nullable(
            text("Where its containers' ports are; null while it is not alive.", "10.0.0.1")
        ),
        "alive": flag("Whether it has been heard of lately.", example=True),
        "cordoned": flag("Whether it takes no new copies."),
        "draining": flag("Whether its copies are moved away; it takes no new ones either."),
        "tags": mapping(text("Its value."), "The operator's tags and its own.", {"disk": "ssd"}),
        "zone": text("What fails together with it: its tag `zone`; empty without one.", "z1"),
        "arch": text("What its images must be built for; empty when not known.", "amd64"),
        "cpus": real("Its processors; 0 when not known.", 4),
        "cpus_reserved": real("How many of them its copies' CPU shares come to.", 0.5),
        "memory": number("Its memory in bytes; 0 when not known.", 8 << 30),
        "memory_reserved": number("Bytes that its copies may use, together.", 512 << 20),
        "copies": number("Copies on it, until their end is confirmed.", 3),
        "roles": listed(text("A role."), "What else it is for.", ["router"]),
        "agent_version": text("Of the agent; empty while it is not alive.", "2.0.0"),
    },
)
HOST_COPY = Shape(
    "HostCopy",
    "A copy on a host, and what it waits for.",
    {
        "app": text("The app's id.", "hello"),
        "process": text("Type and number.", "web.2"),
        "container": text("Its name.", "hello_v2.web.2"),
        "release": number("Of which release.", 2),
        "state": text("As in the list of containers.", "up"),
        "waits": nullable(
            text(
                "What it waits for; null when for nothing.",
                "host-1 is being drained; no host takes web.2: host-2 is cordoned",
            )
        ),
    },
)
_MOVE = Shape(
    "PlannedMove",
    "A copy that goes to another host.",
    {
        "app": text("The app's id.", "hello"),
        "process": text("Type and number.", "web.2"),
        "container": text("Its name.", "hello_v2.web.2"),
        "from": text("Where it is.", "host-1"),
        "to": text("Where it shall be.", "host-2"),
        "why": text("Why, in words.", "web has 3 copies on host-1 and 1 on host-2"),
    },
)
REBALANCE = Shape(
    "Rebalance",
    "The moves that bring the cluster into balance.",
    {
        "dry_run": flag("Whether they were only told, and not asked for."),
        "moves": listed(_MOVE, "In the order in which they were found."),
        "more": flag("Whether there are more than one rebalance asks for."),
    },
)
_LOSS = Shape(
    "Loss",
    "What an app loses when an older database is accepted.",
    {
        "app": text("The app's id.", "hello"),
        "removed": flag("Whether the database does not know the app: nothing of it stays."),
        "serves": listed(number("A release's number.", 3), "The releases that get requests now."),
        "release": nullable(number("The release that will; null for an app that is removed.", 2)),
        "stops": listed(_PLANNED, "Copies and one-off commands that will stop."),
    },
)
DATABASE = Shape(
    "Database",
    "How the database and the cluster's store stand to each other.",
    {
        "behind": flag("Whether the store knows of a change that the database does not."),
        "database": number("How many changes the database has accepted.", 41, least=0),
        "store": number("How many the store has heard of.", 42, least=0),
        "losses": listed(_LOSS, "What is lost when the database is accepted; by app."),
    },
)

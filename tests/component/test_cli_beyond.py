"""What `deis` does beyond v1: operations, dry runs, diffs, explanations, tokens, audit."""

import json
from typing import Any

import pytest

from tests.fixtures.command_line import Deis, untimed
from tests.fixtures.recording import (
    OPERATION,
    OPERATION_PATH,
    PHASES,
    Recorder,
    Reply,
    accepted,
    ended,
    events,
    page,
)

APP = "/v1/apps/demo"

PLAN = {
    "dry_run": True,
    "kind": "config",
    "summary": "config: set A",
    "release": 3,
    "release_summary": "alice added A",
    "structure": {"worker": 1, "web": 2},
    "start": [{"name": "web.1", "release": 3}, {"name": "web.2", "release": 3}],
    "stop": [{"name": "web.1", "release": 2}],
    "keep": [],
    "queued_before": 0,
}
FORETOLD = (
    "=== Dry run: config: set A\n"
    "release:  v3 alice added A\n"
    "scale:    web=2 worker=1\n"
    "start:    web.1 (v3), web.2 (v3)\n"
    "stop:     web.1 (v2)\n"
    "keep:     nothing\n"
    "Nothing was changed.\n"
)
CHANGES = [
    (["config:set", "A=1"], f"{APP}/config/", {"values": {"A": "1"}}),
    (["config:unset", "A"], f"{APP}/config/", {"values": {"A": None}}),
    (["config:push"], f"{APP}/config/", {"values": {"A": "1"}}),
    (["limits:set", "web=1G"], f"{APP}/config/", {"memory": {"web": "1G"}}),
    (["limits:unset", "web"], f"{APP}/config/", {"memory": {"web": None}}),
    (["tags:set", "a=b"], f"{APP}/config/", {"tags": {"a": "b"}}),
    (["tags:unset", "a"], f"{APP}/config/", {"tags": {"a": None}}),
    (["builds:create", "bb"], f"{APP}/builds/", {"image": "bb"}),
    (["pull", "bb"], f"{APP}/builds/", {"image": "bb"}),
    (["ps:scale", "web=2"], f"{APP}/scale/", {"web": 2}),
    (["ps:restart", "web.1"], f"{APP}/containers/web/1/restart/", None),
    (["ps:stop"], f"{APP}/containers/stop/", None),
    (["ps:stop", "web"], f"{APP}/containers/web/stop/", None),
    (["ps:start"], f"{APP}/containers/start/", None),
    (["ps:start", "web"], f"{APP}/containers/web/start/", None),
    (["rollback", "v1"], f"{APP}/releases/rollback/", {"version": 1}),
]


@pytest.mark.parametrize(("words", "path", "body"), CHANGES)
async def test_dry_run_foretells_and_asks_for_nothing_else(
    alice: Deis, recorder: Recorder, words: list[str], path: str, body: Any
) -> None:
    (alice.cwd / ".env").write_text("A=1\n")
    recorder.on("POST", f"{path}?dry_run=true", Reply(200, PLAN))
    assert await alice.ok(*words, "--dry-run", "-a", "demo") == FORETOLD
    assert recorder.lines == [("POST", f"{path}?dry_run=true", body)]


@pytest.mark.parametrize(("words", "path", "body"), CHANGES)
async def test_detach_begins_and_says_how_to_watch(
    alice: Deis, recorder: Recorder, words: list[str], path: str, body: Any
) -> None:
    (alice.cwd / ".env").write_text("A=1\n")
    recorder.on("POST", path, accepted())
    assert await alice.ok(*words, "--detach", "-a", "demo") == (
        "Operation 0f1d2c3b has begun: config: set A\n"
        "Watch it with: deis operations:watch 0f1d2c3b\n"
    )
    assert recorder.lines == [("POST", path, body)]
    assert recorder.requests[0].headers["Prefer"] == "respond-async"


async def test_dry_run_tells_of_the_queue_and_of_no_release(
    alice: Deis, recorder: Recorder
) -> None:
    plan = PLAN | {"release": None, "release_summary": None, "queued_before": 2, "structure": {}}
    recorder.on("POST", f"{APP}/scale/?dry_run=true", Reply(200, plan))
    shown = await alice.ok("scale", "web=0", "--dry-run", "-a", "demo")
    assert "after:    2 changes that wait already\nrelease:  none is made\n" in shown


async def test_dry_run_and_detach_exclude_each_other(alice: Deis) -> None:
    ran = await alice("scale", "web=0", "--dry-run", "--detach", "-a", "demo")
    assert ran.status == 1
    assert ran.out.startswith("Usage: deis ps:scale")


async def test_ps_stop_and_start_print_as_their_sisters_do(alice: Deis) -> None:
    shown = await alice.ok("ps:stop", "web", "-a", "demo")
    assert shown.startswith("Stopping processes... but first, coffee!\n")
    assert untimed(shown).endswith("done in 0s\n=== demo Processes\n--- web:\nweb.1 up (v2)\n")
    assert (await alice.ok("ps:start", "-a", "demo")).startswith("Starting processes...")
    assert (await alice("ps:stop", "web.1", "-a", "demo")).status == 1


PROCESS = {
    "process": "web.2",
    "container": "demo_v3.web.2.1",
    "type": "web",
    "num": 2,
    "release": 3,
    "generation": 1,
    "host": "10.0.0.2",
    "why": "fewest copies of web (1 of 2 hosts have the tags rack=1)",
    "state": "crashed",
    "phase": "waiting to start again",
    "ready": False,
    "address": None,
    "restarts": 4,
    "last_exit": {
        "code": 137,
        "signal": 9,
        "oom": True,
        "finished": "2026-11-23T02:03:04Z",
        "why": "was ended: the image's health check fails",
        "lines": ["one", "two"],
    },
    "error": "",
    "image": "example/demo",
    "command": ["/bin/sh", "-c", "serve"],
    "memory": 536870912,
    "cpu": 512,
    "created": "2026-11-23T02:03:04Z",
}
EXPLAINED = {
    "app": "demo",
    "release": 3,
    "structure": {"web": 2, "worker": 1},
    "stopped": ["worker"],
    "processes": [PROCESS],
}


async def test_ps_explain_tells_where_why_and_how_it_ended(alice: Deis, recorder: Recorder) -> None:
    recorder.on("GET", f"{APP}/explain/?process=web.2", Reply(200, EXPLAINED))
    assert await alice.ok("ps:explain", "web.2", "-a", "demo") == (
        "=== demo v3 web=2 worker=1\n"
        "stopped:   worker; `deis ps:start` starts them\n"
        "\n"
        "--- web.2 crashed\n"
        "release:   v3\n"
        "container: demo_v3.web.2.1\n"
        "host:      10.0.0.2\n"
        "why there: fewest copies of web (1 of 2 hosts have the tags rack=1)\n"
        "phase:     waiting to start again, not ready\n"
        "restarts:  4\n"
        "image:     example/demo\n"
        "command:   /bin/sh -c serve\n"
        "memory:    512 MiB\n"
        "cpu:       512 shares\n"
        "created:   2026-11-23T02:03:04Z\n"
        "last exit: signal 9, out of memory at 2026-11-23T02:03:04Z, "
        "it was ended: the image's health check fails\n"
        "    one\n    two\n"
    )
    recorder.on("GET", f"{APP}/explain/", Reply(200, EXPLAINED))
    assert json.loads(await alice.ok("ps:explain", "-a", "demo", "--json")) == EXPLAINED


async def test_ps_explain_tells_what_copies_wait_for(alice: Deis, recorder: Recorder) -> None:
    waits = "h1 is being drained; web.2: pulling its image on h2"
    missing = {"name": "web.3", "release": 3, "waits": "no host takes it: h1 is cordoned"}
    found = EXPLAINED | {"processes": [PROCESS | {"waits": waits}], "missing": [missing]}
    recorder.on("GET", f"{APP}/explain/", Reply(200, found))
    shown = await alice.ok("ps:explain", "-a", "demo")
    assert f"\nwaits for: {waits}\n" in shown
    assert shown.endswith("\n\n--- web.3 on no host\nwaits for: no host takes it: h1 is cordoned\n")


DIFF = {
    "app": "demo",
    "from": 2,
    "to": 3,
    "build": {
        "from": None,
        "to": {"uuid": "u", "image": "demo", "sha": "abc"},
        "changed": True,
    },
    "procfile": {"added": {"web": "serve"}, "changed": {"w": ["a", "b"]}, "removed": {"x": "y"}},
    "values": {"added": ["B", "A"], "changed": ["C"], "removed": ["D"]},
    "memory": {"web": [None, "1G"], "worker": ["1G", None]},
    "cpu": {},
    "tags": {"rack": ["1", "2"]},
}


async def test_releases_diff_shows_names_and_on_wish_values(
    alice: Deis, recorder: Recorder
) -> None:
    recorder.on("GET", f"{APP}/releases/v2/diff/v3/", Reply(200, DIFF))
    assert await alice.ok("releases:diff", "v2", "3", "-a", "demo") == (
        "=== demo v2 -> v3\n"
        "--- Build\n- no build\n+ demo abc\n"
        "--- Procfile\n+ web=serve\n~ w=a -> b\n- x=y\n"
        "--- Config\n+ A\n+ B\n~ C\n- D\n"
        "--- Memory\n+ web=1G\n- worker=1G\n"
        "--- Tags\n~ rack=1 -> 2\n"
    )
    values = {"added": {"A": "1"}, "changed": {"C": ["1", "2"]}, "removed": {"D": "3"}}
    full = DIFF | {"values": values}
    recorder.on("GET", f"{APP}/releases/v2/diff/v3/?values=true", Reply(200, full))
    shown = await alice.ok("releases:diff", "v2", "v3", "--values", "-a", "demo")
    assert "--- Config\n+ A=1\n~ C=1 -> 2\n- D=3\n" in shown


async def test_releases_diff_of_equals(alice: Deis, recorder: Recorder) -> None:
    nothing = {"added": {}, "changed": {}, "removed": {}}
    same = DIFF | {
        "build": {"from": None, "to": None, "changed": False},
        "procfile": nothing,
        "values": {"added": [], "changed": [], "removed": []},
        "memory": {},
        "tags": {},
    }
    recorder.on("GET", f"{APP}/releases/v2/diff/v3/", Reply(200, same))
    shown = await alice.ok("releases:diff", "v2", "v3", "-a", "demo")
    assert shown == "=== demo v2 -> v3\nno difference\n"


async def test_operations_list_and_info(alice: Deis, recorder: Recorder) -> None:
    listed = page(OPERATION, ended())
    recorder.on("GET", f"{APP}/operations/?page_size=100", Reply(200, listed))
    assert await alice.ok("operations", "-a", "demo") == (
        "=== demo Operations\n"
        "0f1d2c3b\t2026-11-23T02:03:04Z\tconfig\talice\tqueued\tconfig: set A\n"
        "0f1d2c3b\t2026-11-23T02:03:04Z\tconfig\talice\tdone\tconfig: set A\n"
    )
    recorder.on("GET", f"{APP}/operations/?open=true&page_size=100", Reply(200, page(OPERATION)))
    shown = await alice.ok("operations:list", "--open", "-a", "demo", "--json")
    assert json.loads(shown) == [OPERATION]
    whole = ended("failed", release=None, reason="web.1 ended") | {"phases": PHASES}
    recorder.on("GET", OPERATION_PATH, Reply(200, whole))
    assert await alice.ok("operations:info", "0f1d2c3b") == (
        "=== Operation 0f1d2c3b: failed\n"
        "id:       0f1d2c3b\napp:      demo\nkind:     config\nsummary:  config: set A\n"
        "actor:    alice\ncreated:  2026-11-23T02:03:04Z\nended:    2026-11-23T02:03:09Z\n"
        "2026-11-23T02:03:04Z queued\n"
        "2026-11-23T02:03:05Z placing: web.1 (v3) on 10.0.0.2\n"
        "2026-11-23T02:03:07Z starting: web.1 (v3)\n"
        "\nweb.1 ended\n"
    )


WATCHED = (
    "2026-11-23T02:03:04Z queued\n"
    "2026-11-23T02:03:05Z placing: web.1 (v3) on 10.0.0.2\n"
    "2026-11-23T02:03:07Z starting: web.1 (v3)\n"
)


async def test_operations_watch_follows_the_stream_to_its_end(
    alice: Deis, recorder: Recorder
) -> None:
    recorder.on("GET", OPERATION_PATH, Reply(stream=events(*PHASES, end=ended())))
    shown = await alice.ok("operations:watch", "0f1d2c3b")
    assert shown == f"{WATCHED}config: set A: done v3\n"
    assert recorder.requests[0].headers["Accept"] == "text/event-stream"


async def test_operations_watch_takes_a_broken_stream_up_again(
    alice: Deis, recorder: Recorder
) -> None:
    recorder.on(
        "GET",
        OPERATION_PATH,
        Reply(stream=events(*PHASES[:2])),
        Reply(503, {"detail": "later"}),
        Reply(stream=events(*PHASES[2:], end=ended())),
    )
    assert (await alice.ok("operations:watch", "0f1d2c3b")).startswith(WATCHED)
    assert [request.headers.get("Last-Event-ID") for request in recorder.requests] == [
        None,
        "2",
        "2",
    ]


async def test_operations_watch_looks_again_where_there_is_no_stream(
    alice: Deis, recorder: Recorder
) -> None:
    recorder.on(
        "GET",
        OPERATION_PATH,
        Reply(200, OPERATION | {"phases": PHASES[:1]}),
        Reply(200, ended() | {"phases": PHASES}),
    )
    assert (await alice.ok("operations:watch", "0f1d2c3b")).startswith(WATCHED)


async def test_operations_watch_ends_as_the_operation_did(alice: Deis, recorder: Recorder) -> None:
    failed = ended("failed", reason="web.1 (v3) ended with code 1\nlog line")
    recorder.on("GET", OPERATION_PATH, Reply(stream=events(*PHASES, end=failed)))
    ran = await alice("operations:watch", "0f1d2c3b")
    assert (ran.status, ran.out) == (1, WATCHED)
    assert ran.err == "Error: config: set A: web.1 (v3) ended with code 1\n    log line\n"
    recorder.on("GET", OPERATION_PATH, Reply(stream=events(end=ended("cancelled"))))
    ran = await alice("operations:watch", "0f1d2c3b")
    assert ran.err == "Error: config: set A: cancelled; what ran before runs on.\n"


async def test_operations_watch_and_cancel_find_what_is_under_way(
    alice: Deis, recorder: Recorder
) -> None:
    later = OPERATION | {"id": "later"}
    path = f"{APP}/operations/?open=true&page_size=100"
    recorder.on("GET", path, Reply(200, page(later, OPERATION)))
    recorder.on("POST", f"{OPERATION_PATH}cancel/", Reply(202, OPERATION))
    shown = await alice.ok("operations:cancel", "-a", "demo")
    assert shown == "Cancelling operation 0f1d2c3b... done\n"
    recorder.on("GET", path, Reply(200, page()))
    ran = await alice("operations:watch", "-a", "demo")
    assert (ran.status, ran.err) == (1, "Error: Nothing is under way for demo.\n")


TOKEN = {
    "id": "7f1d",
    "name": "ci",
    "scope": "deploy",
    "app": "demo",
    "created": "2026-11-23T02:03:04Z",
    "last_used": None,
    "expires": "2027-02-21T02:03:04Z",
    "current": False,
}


async def test_tokens_create_prints_the_token_alone_on_stdout(
    alice: Deis, recorder: Recorder
) -> None:
    made = TOKEN | {"token": "a" * 40}
    recorder.on("POST", "/v1/tokens/", Reply(201, made))
    words = ["tokens:create", "ci", "--app", "demo", "--scope", "deploy", "--expires", "90d"]
    ran = await alice(*words)
    assert (ran.status, ran.out) == (0, f"{'a' * 40}\n")
    assert ran.err == "ci: deploy for app demo, until 2027-02-21T02:03:04Z. Keep it:\n"
    body = {"name": "ci", "scope": "deploy", "app": "demo", "expires": "90d"}
    assert recorder.lines == [("POST", "/v1/tokens/", body)]
    assert json.loads(await alice.ok(*words, "--json")) == made


async def test_tokens_list_and_remove_by_name(alice: Deis, recorder: Recorder) -> None:
    login = TOKEN | {"id": "1", "name": "", "app": None, "current": True, "expires": None}
    recorder.on("GET", "/v1/tokens/?page_size=100", Reply(200, page(TOKEN, login)))
    recorder.on("DELETE", "/v1/tokens/7f1d/", Reply(204))
    assert await alice.ok("tokens") == (
        "=== Tokens\n"
        "7f1d\tci\tdeploy\tdemo\t2026-11-23T02:03:04Z\t-\t2027-02-21T02:03:04Z\n"
        "1\tlogin (this login)\tdeploy\t-\t2026-11-23T02:03:04Z\t-\t-\n"
    )
    assert await alice.ok("tokens:remove", "ci") == "Removing token ci... done\n"
    assert recorder.lines[-1] == ("DELETE", "/v1/tokens/7f1d/", None)
    recorder.on("GET", "/v1/tokens/?page_size=100", Reply(200, page(TOKEN, TOKEN | {"id": "2"})))
    assert (await alice("tokens:remove", "ci")).status == 1


async def test_audit_passes_its_filters_on(alice: Deis, recorder: Recorder) -> None:
    entry = {
        "id": 9,
        "at": "2026-11-23T02:03:04Z",
        "actor": "alice",
        "address": "10.1.1.1",
        "token": None,
        "action": "config.change",
        "app": "demo",
        "target": None,
        "before": None,
        "after": {"set": ["A"]},
        "outcome": "ok",
    }
    path = "/v1/audit/?app=demo&actor=a%2Bb&outcome=ok&since=2026-11-01T00%3A00%3A00Z"
    recorder.on("GET", f"{path}&page_size=5", Reply(200, page(entry)))
    words = ["-a", "demo", "--actor", "a+b", "--outcome", "ok", "-l", "5"]
    assert await alice.ok("audit", *words, "--since", "2026-11-01T00:00:00Z") == (
        "=== Audit\n2026-11-23T02:03:04Z\talice\t10.1.1.1\tconfig.change\tdemo\t-\tok\n"
    )
    recorder.on("GET", "/v1/audit/?page_size=100", Reply(200, page(entry)))
    assert json.loads(await alice.ok("audit", "--json")) == [entry]


async def test_json_of_what_needs_the_new_api(alice: Deis, recorder: Recorder) -> None:
    assert json.loads(await alice.ok("perms", "-a", "demo", "--json")) == [
        {"username": "carol"},
        {"username": "bob"},
    ]
    for words in (["perms", "--admin"], ["users"], ["certs"], ["keys"]):
        (first, *_) = json.loads(await alice.ok(*words, "--json"))
        assert first.get("username") == "alice" or first.get("id")

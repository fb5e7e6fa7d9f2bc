"""What all routes have in common, for those who read the description. PURE."""

from deis_control.api.answers import PAGE_SIZE
from deis_control.api.bodies import BODY_LIMIT

TITLE = "Deis controller"

INTRODUCTION = f"""
The HTTP API of the Deis controller: that of Deis v1, and what was added to it. Original clients
work unchanged.

## Requests

Send `Authorization: token <40 hex>` with a token of `POST /v1/auth/login/` or `POST /v1/tokens/`.
A token has a scope, `read`, `deploy` or `admin`, each including the ones before it; a token may
also be good for one app only, and then sees no other.

Bodies are JSON objects; forms (`application/x-www-form-urlencoded`, `multipart/form-data`) are
read the same way. A body has at most {BODY_LIMIT // 1024 // 1024} MiB. Where text is wanted, a
number or a boolean counts as its text. Fields that are not described are ignored.

A path's trailing slash may be left out, but for `/v1/auth/login/`, `/v1/auth/logout/`,
`/v1/auth/tokens/` and `/v1/`. `HEAD` works wherever `GET` does; `OPTIONS` tells the methods of
a path.

Every answer carries `DEIS_API_VERSION` and `DEIS_PLATFORM_VERSION`, `Deis-Builder-Port` (where
`git push` goes) and `Deis-Router-Port` (where apps are served). With an `Origin` it may be read
from there.

## Errors

- An error about the whole request is `{{"detail": "…"}}`, one sentence.
- A 400 about fields is `{{"<field>": ["…", "…"]}}`; messages about no single field stand under
  `non_field_errors`.
- Checks come in this order: version (405), token (401), permission (403), method (405), body
  (413, 415, 400), the thing itself (404), permission on it (403), its state (400, 409).
- 503 with `Retry-After`: something that the API stands on is away; nothing was changed, try
  again. 503 without it: a change was tried and undone, and `detail` says why.

## Pages

Lists are answered as `{{"count", "next", "previous", "results"}}`: `page` counts from 1 or is
`last`, `page_size` is {PAGE_SIZE} unless asked for. A page that does not exist is 404.

## Dates

`created`, `updated` and `expires` of Deis v1's objects are written
`2030-01-31T12:00:00UTC`, always in UTC. All other times are RFC 3339 with `Z`.

## Asynchronous changes

Every change of what an app runs is an operation: it waits its turn in the app's queue, is carried
out and is done, or fails and is undone. By default a call waits for the end. It may be left at any
time: the operation goes on.

With `Prefer: respond-async` the answer is 202 at once, with the operation as its body, its
address in `Location`, and `Preference-Applied: respond-async`:

```
curl -i -X POST https://deis.example.com/v1/apps/hello/scale/ \\
  -H "Authorization: token $TOKEN" -H 'Prefer: respond-async' \\
  -H 'Content-Type: application/json' -d '{{"web": 3}}'
```

`phase` runs through `queued`, `placing`, `starting`, `healthy`, `published`, `routed`,
`retiring` to `done`, or ends at `failed`; `outcome` is `done`, `failed` or `cancelled`.

## Event streams

`GET /v1/operations/<id>/` with `Accept: text/event-stream` sends each line of progress as it
comes, and at last the operation:

```
event: phase
id: 3
data: {{"seq":3,"phase":"starting","text":"web.1 is starting","at":"2030-01-31T12:00:00Z"}}

event: end
data: {{"id":"…","outcome":"done", …}}
```

A watcher that was cut off goes on with `Last-Event-ID: 3` or `?after=3`. A comment `: alive`
comes every 15 seconds when nothing else does. While nobody can carry out changes a `phase` says
why; it is not kept, and has the number of the one before it.
""".strip()

WHO = {
    "anybody": "anybody",
    "guest": "anybody",
    "visitor": "anybody",
    "user": "every account",
    "superuser": "superusers",
    "app user": "whoever may use the app",
    "app member": "whoever may use the app",
    "app owner": "the app's owner and superusers",
    "builder": "builders",
}
"""Permission → who that is."""

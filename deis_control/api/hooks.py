"""What a builder outside this process calls (api.md section 14)."""

from uuid import uuid4

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import answer
from deis_control.api.call import Call
from deis_control.api.gate import make_room
from deis_control.api.permissions import Who, may


@may(Who.BUILDER)
async def push(call: Call) -> web.Response:
    """POST /v1/hooks/push — asks whether this user may push to this app."""
    new = schemas.push(call.data)
    user, app = await call.services.access.named(new.receive_user, new.receive_repo)
    return answer(wire.push(await call.services.pushes.record(app, user, new)), 201)


@may(Who.BUILDER)
async def config(call: Call) -> web.Response:
    """POST /v1/hooks/config — the config of the latest release."""
    receiver = schemas.receiver(call.data)
    user, app = await call.services.access.named(receiver.user, receiver.repo)
    found = await call.services.configs.current(app)
    await call.services.audit.read_config(user, app, str(found.uuid))
    return answer(wire.config(found))


@may(Who.BUILDER)
async def build(call: Call) -> web.Response:
    """POST /v1/hooks/build — release what was built."""
    receiver = schemas.receiver(call.data)
    new = schemas.build(call.data)
    user, app = await call.services.access.named(receiver.user, receiver.repo)
    make_room(call.request)
    made = await call.services.builds.from_push(app, user, new, push=uuid4())
    domain = f"{app.id}.{call.services.platform().domain}"
    return answer({"release": {"version": made.release}, "domains": [domain]})

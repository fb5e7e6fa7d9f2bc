"""The leader: executes operations and keeps every app at what its live release asks for.

`plan` and what it stands on (`world`, `steps`, `feasible`, `judge`, `routers`, `formation`,
`blueprint`; for moves of copies `liveness`, `displaced`, `succession`, `singles`, `standing`)
decide and are pure; `apply`, `rollout`, `worker`, `restore`, `mirror`, `loop` and
`view` do. Nothing here is imported by `db`, and nothing of `services` or `api` is imported here.
"""

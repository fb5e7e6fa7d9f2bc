"""`git push` and `deis pull`: SSH, repositories, the pre-receive hand-over, builds, images.

The way of a push: `sshd` (key → user) → `receive` (git receive-pack and its hook) → `build` (lock,
permission, audit, strategy, image push, operation, phases on the pusher's screen). Talks to the
database through `services/` only. Nobody else imports asyncssh, but for `deisctl`.
"""

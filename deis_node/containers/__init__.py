"""The runner: makes this host's containers what its placements say, and says what became of them.

Decisions are pure (`plan`, `trust`, `restarts`, `ports`, `spec`); `worker` carries them out, one
task for each copy, and `run` ties everything together. What is known of each copy stands in
`copies`, which the publisher and logspout read. `lost` ends what the engine has lost sight of.
May import docker, cluster and runtime.
"""

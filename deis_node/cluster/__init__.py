"""What all members of a cluster must agree on: keys, records, names, seals, frames, and etcd.

The wire contract between the agent and the control plane. May import only the standard
library, aiohttp, cryptography, structlog and `deis_node.runtime`.
"""

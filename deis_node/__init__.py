"""The agent that runs on every host, and the rooms it shares with the control plane.

Nothing in this package imports `deis_control` or `deis_cli`.
"""

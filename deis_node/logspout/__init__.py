"""Logspout: ships the log of every container on the host to the logger, each line once.

position.py    PURE: where in a container's log we are, and finding that place again
lines.py       PURE: entries of the engine's log -> whole lines
cursors.py     the file of positions that are acknowledged
follower.py    reads one container's log
logspout.py    followers, shipping, cursors together
"""

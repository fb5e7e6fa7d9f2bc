"""The publisher: finds out which copies are ready, and tells the cluster, on change only.

It is the one writer of this host's instances and endpoints, so that what belongs together goes
into one transaction. What it knows of the copies it reads through the protocols of `plan`. May
import cluster and runtime.
"""

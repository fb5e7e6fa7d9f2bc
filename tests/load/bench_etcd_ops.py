"""What a deploy of 60 copies and an idle minute ask of etcd, as its own members count it.

Three hosts, so nine processes of ours ask. Watches stay open (docs/decisions/0063), and so does the
election's (0067): an idle minute may hold nothing but renewals of leases.
"""

import os
import statistics
import time
from collections import Counter

from tests.fixtures.cluster import Cluster, running_cluster
from tests.fixtures.platform import poll
from tests.load import busybox_web
from tests.load.etcd_requests import requests

COPIES = int(os.environ.get("BENCH_COPIES", "60"))
DEPLOYS = int(os.environ.get("BENCH_RUNS", "3"))
MINUTE = 60.0
SWEPT = 10.0
"""Seconds from the old copies' end to when nothing of them is left in etcd."""
SETTLE = 35.0
"""Seconds before the idle minute; longer than the agents remember what they wait for."""


def main() -> None:
    """Print a line for each deploy, and the table in Markdown."""
    with running_cluster(3, "--no-sample") as cluster:
        app = busybox_web.make_app(cluster, COPIES)
        deploys: list[Counter[str]] = []
        writes: list[int] = []
        for number in range(DEPLOYS):
            before, revision = requests(cluster.etcd_urls), cluster.etcd_revision()
            app.commit(f"body {number}")
            app.push()
            poll(
                lambda: len(cluster.containers(app.name)) == COPIES, 120, "the old copies are gone"
            )
            time.sleep(SWEPT)
            deploys.append(requests(cluster.etcd_urls) - before)
            writes.append(cluster.etcd_revision() - revision)
            print(f"deploy {number + 1}: {dict(deploys[-1])}, revisions {writes[-1]}", flush=True)
        idle, idle_writes = idle_minute(cluster)
    report(deploys, writes, idle, idle_writes)


def idle_minute(cluster: Cluster) -> tuple[Counter[str], int]:
    """Requests and revisions of a minute in which nothing happens."""
    time.sleep(SETTLE)
    before, revision = requests(cluster.etcd_urls), cluster.etcd_revision()
    time.sleep(MINUTE)
    # The question for the revision is no request of the platform's.
    after = requests(cluster.etcd_urls) - before - Counter({"Status": 1})
    return after, cluster.etcd_revision() - revision


def report(
    deploys: list[Counter[str]], writes: list[int], idle: Counter[str], idle_writes: int
) -> None:
    """Medians as docs/benchmarks.md holds them."""
    print(f"\n| | a deploy of {COPIES} copies | an idle minute |\n|---|---|---|")
    for kind in sorted({*idle, *(name for found in deploys for name in found)} - {"Status"}):
        median = statistics.median(found[kind] for found in deploys)
        print(f"| {kind} | {median:.0f} | {idle[kind]} |")
    print(f"| revisions | {statistics.median(writes):.0f} | {idle_writes} |")


if __name__ == "__main__":
    main()

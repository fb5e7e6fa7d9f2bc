"""How long a push takes until the new body is served, beside the bare steps done by a script.

Both use the same commit, Docker Engine and registry in the same run, in turn. The bare side is:
`git push` to a bare repository over OpenSSH, `docker build`, `docker push`, `docker run`, and
the first 200.
"""

import http.client
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fixtures.platform import App, Platform, poll, run, running_platform
from tests.fixtures.ports import free_port

PAIRS = 5
STEPS = ("git push", "docker build", "docker push", "docker run to first 200")


def main() -> None:
    """Print one line a pair and the medians."""
    with running_platform() as platform, openssh() as bare_git:
        app = platform.create("bench")
        app.deploy("warm up")
        app.git("remote", "add", "bare", bare_git.url)
        ours, bare = [], []
        for number in range(PAIRS):
            app.commit(f"body {number}")
            turn = (our_push, bare_steps) if number % 2 else (bare_steps, our_push)
            for side in turn:
                if side is our_push:
                    ours.append(our_push(app, f"body {number}"))
                else:
                    bare.append(bare_steps(platform, app, bare_git, f"body {number}"))
            mine, theirs = sum(ours[-1].values()), sum(bare[-1].values())
            print(f"pair {number + 1}: deis {mine:.3f} s, bare {theirs:.3f} s")
        report(platform, app, ours, bare)


def report(
    platform: Platform, app: App, ours: list[dict[str, float]], bare: list[dict[str, float]]
) -> None:
    """Medians in Markdown, as docs/benchmarks.md holds them."""
    mine = statistics.median(sum(item.values()) for item in ours)
    theirs = statistics.median(sum(item.values()) for item in bare)
    print("\n| | median of 5, s |\n|---|---|")
    for step in STEPS:
        print(f"| bare: {step} | {statistics.median(item[step] for item in bare):.3f} |")
    print(f"| bare, sum | {theirs:.3f} |")
    for step in ours[0]:
        print(f"| deis: {step} | {statistics.median(item[step] for item in ours):.3f} |")
    print(f"| deis, push to served | {mine:.3f} |")
    print(f"\nover the bare sum: {(mine - theirs) * 1000:.0f} ms; ratio {mine / theirs:.2f}")


def our_push(app: App, body: str) -> dict[str, float]:
    """Push to the platform; seconds from the start to each milestone on the pusher's screen."""
    steps: dict[str, float] = {}
    began = last = time.monotonic()
    marks = {
        "Building Docker image": "ssh, receive, checks",
        "Pushing image": "build",
        "Launching": "image push",
        "deployed to Deis": "rollout",
    }
    pushing = subprocess.Popen(
        ["git", "-C", str(app.copy), "push", "deis", "HEAD:refs/heads/master"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert pushing.stderr is not None
    for line in iter(pushing.stderr.readline, b""):
        for mark, step in marks.items():
            if mark.encode() in line and step not in steps:
                steps[step] = time.monotonic() - last
                last = time.monotonic()
    assert pushing.wait() == 0
    assert body in app.body()
    steps["closing, first 200"] = time.monotonic() - last
    assert abs(sum(steps.values()) - (time.monotonic() - began)) < 0.1
    return steps


class BareGit:
    """An OpenSSH server with one bare repository."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"ssh://root@127.0.0.1:{port}{folder}/repo.git"
        self.ssh = (
            f"ssh -F /dev/null -i {folder}/key -o IdentitiesOnly=yes -o StrictHostKeyChecking=no "
            "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        )


@contextmanager
def openssh() -> Iterator[BareGit]:
    """Debian's OpenSSH server on loopback, for the length of the benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="deis-sshd-"))
    port = free_port()
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "key"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)])
    shutil.copy(folder / "key.pub", folder / "authorized")
    run(["git", "init", "-q", "--bare", str(folder / "repo.git")])
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPermitRootLogin yes\n"
        f"PidFile {folder}/pid\n"
    )
    server = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-f", str(folder / "config")], stderr=subprocess.DEVNULL
    )
    try:
        yield BareGit(folder, port)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def bare_steps(platform: Platform, app: App, git: BareGit, body: str) -> dict[str, float]:
    """The bare steps, one after another; seconds of each."""
    steps: dict[str, float] = {}
    clock = time.monotonic()

    def lap(name: str) -> None:
        nonlocal clock
        steps[name] = time.monotonic() - clock
        clock = time.monotonic()

    ssh = ["git", "-C", str(app.copy), "-c", f"core.sshCommand={git.ssh}"]
    checked([*ssh, "push", "-q", "bare", "HEAD:refs/heads/master"])
    lap(STEPS[0])
    image = f"127.0.0.1:{relay_port(platform)}/bare:{time.monotonic_ns()}"
    docker = ["/usr/bin/docker", "--host", platform.facts["docker_host"]]
    checked([*docker, "build", "-q", "-t", image, str(app.copy)])
    lap(STEPS[1])
    checked([*docker, "push", "-q", image])
    lap(STEPS[2])
    command = (app.copy / "Procfile").read_text().split("web:", 1)[1].strip()
    address, port = host_address(platform), free_port()
    container = checked(
        [*docker, "run", "-d", "-p", f"{address}:{port}:5000", image, "/bin/sh", "-c", command]
    ).strip()
    poll(lambda: body in get(address, port), 30, "bare container answers")
    lap(STEPS[3])
    checked([*docker, "rm", "-f", container])
    return steps


def get(address: str, port: int) -> str:
    """The body at an address; empty while there is none."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def checked(argv: list[str]) -> str:
    """Run a program that must succeed."""
    done = run(argv, DOCKER_BUILDKIT="0")
    assert done.returncode == 0, done.stderr
    return done.stdout


def relay_port(platform: Platform) -> int:
    """Where the engine finds the registry."""
    import json

    return int(json.loads((platform.home / "local.json").read_text())["relay_port"])


def host_address(platform: Platform) -> str:
    """The address that containers' ports are bound to."""
    hosts = platform.etcd("/deis/hosts/")
    return str(next(iter(hosts.values()))["address"])


if __name__ == "__main__":
    sys.exit(main())

"""How long `deis version` takes, beside a Python that does nothing.

`python -m tests.load.bench_cli`.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 20


def seconds(argv: list[str]) -> float:
    """One run from start to end."""
    began = time.perf_counter()
    subprocess.run(argv, capture_output=True, check=True)
    return time.perf_counter() - began


def main() -> None:
    deis = str(Path(sys.executable).with_name("deis"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "deis version": [deis, "version"],
        "deis help": [deis, "help"],
    }
    rounds = [{name: seconds(argv) for name, argv in commands.items()} for _ in range(ROUNDS)]
    for name in commands:
        times = sorted(run[name] * 1000 for run in rounds)
        print(f"{name:16} median {statistics.median(times):4.0f} ms, max {times[-1]:4.0f} ms")


if __name__ == "__main__":
    main()

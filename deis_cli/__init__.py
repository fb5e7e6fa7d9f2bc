"""The command lines: `deis` for developers of apps, `deisctl` for operators."""

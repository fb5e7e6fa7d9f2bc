"""Use cases: they open the transaction, call db/, decide by rules, and signal."""

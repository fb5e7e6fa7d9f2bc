"""The HTTP API of Deis v1: handlers only (who, may they, parse, one call, answer)."""

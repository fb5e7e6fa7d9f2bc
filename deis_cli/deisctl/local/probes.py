"""Whether a server answers: quick questions that never raise."""

import http.client
import socket


def answers(address: str, path: str) -> bool:
    """Whether an HTTP server at `ip:port` answers 200."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def speaks_postgres(host: str, port: int) -> bool:
    """Whether PostgreSQL takes sessions: a start-up message gets a question, no refusal.

    The message (PostgreSQL's protocol 3.0, "StartupMessage") names a user; a server that is
    starting, stopping or recovering answers with an error of class 57.
    """
    fields = b"user\0deis\0database\0postgres\0\0"
    message = (8 + len(fields)).to_bytes(4, "big") + (196608).to_bytes(4, "big") + fields
    try:
        with socket.create_connection((host, port), timeout=2) as session:
            session.sendall(message)
            return session.recv(1) == b"R"
    except OSError:
        return False

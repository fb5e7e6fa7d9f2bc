"""`deisctl config` as operators run it, against a real etcd (cli.md, part 2)."""

import asyncio
import sys
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import pytest

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.seal import Ring, SealError
from tests.fixtures.etcd import EtcdMember

DEISCTL = Path(sys.executable).parent / "deisctl"
ENGINE = keys.setting("scheduler", "engine")


@dataclass(frozen=True)
class Deisctl:
    """The command, pointed to the etcd of the test."""

    endpoint: str

    async def __call__(self, *words: str, given: bytes = b"") -> tuple[int, str]:
        """Exit status and standard output; `given` comes from stdin."""
        process = await asyncio.create_subprocess_exec(
            str(DEISCTL),
            "config",
            *words,
            f"--endpoint={self.endpoint}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, _ = await process.communicate(given)
        assert process.returncode is not None
        return process.returncode, out.decode()


@pytest.fixture
async def deisctl(etcd: Etcd, etcd_server: EtcdMember) -> Deisctl:
    return Deisctl(etcd_server.endpoint)


async def test_what_is_set_is_stored_read_and_removed(deisctl: Deisctl, etcd: Etcd) -> None:
    assert await deisctl("scheduler", "set", "engine=swarm") == (0, "swarm\n")
    stored = await etcd.get(ENGINE)
    assert stored is not None
    assert stored.value == b"swarm"
    assert await deisctl("scheduler", "get", "engine") == (0, "swarm\n")
    assert await deisctl("scheduler", "rm", "engine") == (0, f"{ENGINE}\n")
    assert await etcd.get(ENGINE) is None


async def test_a_value_may_hold_what_separates_it_from_its_key(deisctl: Deisctl) -> None:
    assert await deisctl("router", "set", "a=b=c\nd", "bodySize=5m") == (0, "b=c\nd\n5m\n")
    assert await deisctl("router", "get", "a") == (0, "b=c\nd\n")


@pytest.mark.parametrize("verb", ["get", "rm"])
async def test_what_is_not_there_is_an_error(deisctl: Deisctl, verb: str) -> None:
    status, out = await deisctl("router", verb, "none")
    assert status == 1
    assert out.startswith("Error: 100: Key not found (/deis/router/none) [")


async def test_what_holds_other_settings_is_not_removed(deisctl: Deisctl, etcd: Etcd) -> None:
    await deisctl("controller", "set", "auth/ldap/endpoint=ldap://x")
    status, out = await deisctl("controller", "rm", "auth/ldap")
    assert out.startswith("Error: 102: Not a file (/deis/controller/auth/ldap) [")
    assert status == 1
    assert await etcd.get(keys.setting("controller", "auth/ldap/endpoint")) is not None


@pytest.mark.parametrize(
    "words",
    [
        ("placements", "set", "h1/hello_v2.web.1={}"),
        ("control", "rm", "leader"),
        ("controller", "set", "hosts/c1={}"),
        ("logs", "rm", "hosts"),
        ("router", "set", "../x=1"),
        ("router", "set", "noequals"),
        ("router", "set", "empty="),
        ("scheduler", "set", "engine=fleet"),
        ("router", "set", "good=1", "sslKey=/dev/null"),
        ("router", "set", "sslCert=/nowhere/cert.pem"),
    ],
)
async def test_what_is_no_plain_setting_is_refused_and_nothing_is_changed(
    deisctl: Deisctl, etcd: Etcd, words: tuple[str, ...]
) -> None:
    before = await etcd.revision()
    status, out = await deisctl(*words)
    assert status == 1
    assert out.startswith("Error: ")
    assert await etcd.revision() == before


async def test_a_certificate_is_given_as_a_file(
    deisctl: Deisctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    await deisctl("router", "set", "sslCert=$HOME/cert.pem")
    assert await deisctl("router", "get", "sslCert") == (0, "-----BEGIN CERTIFICATE-----\n\n")


KEY = b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def ring_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ring:
    """The platform's ring of keys, whose file the command knows."""
    file = tmp_path / "ring.json"
    monkeypatch.setenv("DEISCTL_KEYRING", str(file))
    return Ring.create(file)


async def stored(etcd: Etcd, component: str, name: str) -> bytes:
    found = await etcd.get(keys.setting(component, name))
    assert found is not None
    return found.value


async def test_a_secret_from_a_file_is_sealed_and_never_printed(
    deisctl: Deisctl, etcd: Etcd, ring_file: Ring, tmp_path: Path
) -> None:
    (tmp_path / "server.key").write_bytes(KEY)
    done = await deisctl("router", "set", f"sslKey={tmp_path}/server.key", "bodySize=5m")
    assert done == (0, "(sealed)\n5m\n")
    sealed = await stored(etcd, "router", "sslKey")
    assert b"c2VjcmV0" not in sealed
    assert ring_file.open(sealed, kind="setting", app="router/sslKey") == KEY
    with pytest.raises(SealError):
        ring_file.open(sealed, kind="setting", app="platform/sshPrivateKey")
    assert await deisctl("router", "get", "sslKey") == (0, "(sealed)\n")
    assert (await deisctl("router", "rm", "sslKey"))[0] == 0


async def test_a_secret_may_come_from_stdin(deisctl: Deisctl, etcd: Etcd, ring_file: Ring) -> None:
    assert await deisctl("platform", "set", "sshPrivateKey=-", given=KEY) == (0, "(sealed)\n")
    sealed = await stored(etcd, "platform", "sshPrivateKey")
    plain = ring_file.open(sealed, kind="setting", app="platform/sshPrivateKey")
    assert b64decode(plain) == KEY


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["sslKey=-"], b"c2VjcmV0 but no key"),
        (["sslKey=-"], b""),
        (["sslKey=-", "sslCert=-"], KEY),
        (["sslKey=/nowhere/server.key"], b""),
        (["sslKey=-----BEGIN PRIVATE KEY----- c2VjcmV0"], b""),
    ],
)
async def test_what_is_no_secret_is_refused_without_a_word_of_it(
    deisctl: Deisctl, etcd: Etcd, ring_file: Ring, words: list[str], given: bytes
) -> None:
    before = await etcd.revision()
    status, out = await deisctl("router", "set", *words, given=given)
    assert (status, out[:7]) == (1, "Error: ")
    assert "c2VjcmV0" not in out
    assert await etcd.revision() == before


async def test_a_secret_needs_the_ring_of_keys(deisctl: Deisctl) -> None:
    status, out = await deisctl("router", "set", "sslKey=-", given=KEY)
    assert status == 1
    assert "--keyring names the ring of keys" in out


async def test_no_key_prints_nothing(deisctl: Deisctl) -> None:
    assert await deisctl("router", "get") == (0, "")

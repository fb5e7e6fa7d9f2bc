"""The router's memory on disk: what stands there after any start, whatever happened to the file."""

import asyncio
from pathlib import Path

from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.router.saved import Saved
from deis_node.router.trust import Known


def stored(key: str, value: bytes = b"{}", revision: int = 1) -> KeyValue:
    return KeyValue(key, value, 1, revision, 1, 0)


async def reloaded(path: Path) -> tuple[Saved, dict[str, bytes]]:
    saved = Saved(path)
    loaded = await saved.load()
    return saved, {kv.key: kv.value for kv in loaded.items}


async def test_the_last_word_on_a_key_counts(tmp_path: Path) -> None:
    saved = Saved(tmp_path / "routes")
    saved.put(stored(keys.route("a"), b"1"))
    saved.put(stored(keys.route("b"), b"\xff"))
    saved.put(stored(keys.route("a"), b"2", 2))
    saved.delete(stored(keys.route("b"), revision=3))
    saved.put(stored(keys.service("a", "c"), b"3"))
    await saved.flush()
    assert (await reloaded(tmp_path / "routes"))[1] == {
        keys.route("a"): b"2",
        keys.service("a", "c"): b"3",
    }


async def test_only_what_differs_is_written(tmp_path: Path) -> None:
    saved = Saved(tmp_path / "routes")
    items = [stored(keys.route(f"a{number}"), revision=number) for number in range(1, 9)]
    saved.full(items)
    await saved.flush()
    before = (tmp_path / "routes").read_text()
    saved.full(items)
    await saved.flush()
    assert (tmp_path / "routes").read_text() == before
    saved.full(items[1:])
    await saved.flush()
    assert len((await reloaded(tmp_path / "routes"))[1]) == 7


async def test_secrets_of_others_are_not_kept(tmp_path: Path) -> None:
    saved = Saved(tmp_path / "routes")
    saved.full([stored("/deis/controller/secretKey"), stored("/deis/platform/sshPrivateKey")])
    saved.put(stored("/deis/controller/builderKey"))
    await saved.flush()
    assert (await reloaded(tmp_path / "routes"))[1] == {}


async def test_the_file_is_ours_alone_and_does_not_grow(tmp_path: Path) -> None:
    saved = Saved(tmp_path / "routes")
    for revision in range(1, 40):
        for number in range(60):
            saved.put(stored(keys.route(f"a{number}"), b"%d" % revision, revision))
        await saved.flush()
    assert (tmp_path / "routes").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "routes").read_text().splitlines()) <= 1200
    _, items = await reloaded(tmp_path / "routes")
    assert set(items.values()) == {b"39"}


async def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "routes"
    saved = Saved(path)
    saved.put(stored(keys.route("a"), b"1"))
    await saved.flush()
    path.write_bytes(path.read_bytes() + b'{"k":"/deis/routes/b","v')
    again, items = await reloaded(path)
    assert items == {keys.route("a"): b"1"}
    again.put(stored(keys.route("c"), b"2"))
    await again.flush()
    assert (await reloaded(path))[1] == {keys.route("a"): b"1", keys.route("c"): b"2"}


async def test_nonsense_is_no_reason_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "routes"
    path.write_bytes(b'\xff\xfe\n[]\n1\n{"k":1,"r":[1,2]}\n{"k":"a","r":"x"}\n{"known":[1]}\n{}\n')
    saved, items = await reloaded(path)
    assert items == {}
    assert saved.known is None


async def test_the_newest_revision_seen_is_remembered(tmp_path: Path) -> None:
    saved = Saved(tmp_path / "routes")
    saved.trust(Known("i1", 5))
    saved.put(stored(keys.route("a"), revision=9))
    saved.delete(stored(keys.route("a"), revision=12))
    await saved.flush()
    assert (await reloaded(tmp_path / "routes"))[0].known == Known("i1", 12)


async def test_another_life_of_the_store_counts_anew(tmp_path: Path) -> None:
    saved = Saved(tmp_path / "routes")
    saved.trust(Known("i1", 5))
    saved.put(stored(keys.route("a"), revision=900))
    saved.full([stored(keys.route("a"), revision=3)])
    saved.trust(Known("i2", 4))
    await saved.flush()
    assert (await reloaded(tmp_path / "routes"))[0].known == Known("i2", 4)


async def test_hosts_and_owners_are_remembered(tmp_path: Path) -> None:
    saved = Saved(tmp_path / "routes")
    saved.hosts({"h1": "10.0.0.1"})
    saved.hosts({"h1": "10.0.0.2"})
    saved.owners({"x.com": "a"})
    await saved.flush()
    loaded = await Saved(tmp_path / "routes").load()
    assert loaded.known_hosts == {"h1": "10.0.0.2"}
    assert loaded.owners == {"x.com": "a"}


async def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    saved = Saved(folder / "routes")
    saved.put(stored(keys.route("a")))
    for _ in range(2):
        try:
            await saved.flush()
        except OSError:
            await asyncio.to_thread(folder.mkdir)
    assert len((await reloaded(folder / "routes"))[1]) == 1

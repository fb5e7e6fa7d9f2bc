"""Whose a process in a container is: told from what is mounted there."""

from pathlib import Path

import pytest

from deis_node.containers.lost import is_made_from, within_device

ID = "ab" * 32
OTHER = "cd" * 32
OWN = """\
21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
22 21 0:19 / /proc rw shared:2 - proc proc rw
40 21 254:2 /images /srv rw - ext4 /dev/vdb rw
41 40 254:3 / /srv/docker rw - ext4 /dev/vdc rw
"""


@pytest.mark.parametrize(
    ("folder", "device", "inside"),
    [
        ("/var/lib/docker", "254:1", "/var/lib/docker"),
        ("/srv/engine", "254:2", "/images/engine"),
        ("/srv/docker", "254:3", "/"),
        ("/srv/docker/one", "254:3", "/one"),
    ],
)
def test_a_folder_is_found_in_its_file_system(folder: str, device: str, inside: str) -> None:
    assert within_device(Path(folder), OWN) == (device, inside)


def inside(device: str, path: str) -> str:
    return (
        "500 499 0:60 / / rw - overlay overlay rw\n"
        f"501 500 {device} {path} /etc/hostname rw - ext4 /dev/vda1 rw\n"
    )


@pytest.mark.parametrize(
    ("mounts", "ours"),
    [
        (inside("254:1", f"/var/lib/docker/containers/{ID}/hostname"), True),
        (inside("254:1", f"/var/lib/docker/containers/{ID}/hostname//deleted"), True),
        (inside("254:2", f"/var/lib/docker/containers/{ID}/hostname"), False),
        (inside("254:1", f"/var/lib/docker/containers/{OTHER}/hostname"), False),
        (inside("254:1", f"/var/lib/docker/volumes/x/_data/containers/{ID}/hostname"), False),
        ("", False),
    ],
)
def test_a_process_is_an_engines_by_the_files_that_it_mounts(mounts: str, ours: bool) -> None:
    assert is_made_from("254:1", "/var/lib/docker", ID, mounts) is ours

"""nginx' static configuration: what settings change, and what they cannot."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.router import platform
from deis_node.router.platform import PlatformSettings
from deis_node.router.render import Limits, lua_files, render
from deis_node.router.settings import RouterSettings, listen_address
from deis_node.runtime.settings import SettingsError, load
from tests.unit.router.strategies import hostile

LIMITS = Limits(root=True, open_files=20000)


def text_of(settings: PlatformSettings | None = None, **host: Any) -> str:
    return render(RouterSettings(**host), settings or PlatformSettings(), LIMITS).text


def tokens(text: str) -> list[str]:
    """What nginx sees of a file: no comments, each sign of its grammar alone."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    spread = "\n".join(lines)
    for sign in ";{}":
        spread = spread.replace(sign, f" {sign} ")
    return spread.split()


def test_the_same_settings_give_the_same_text() -> None:
    assert text_of() == text_of()


def test_the_defaults_are_the_contract_s() -> None:
    text = text_of()
    for line in (
        "worker_processes auto;",
        "worker_connections 768;",
        "client_max_body_size 1m;",
        "keepalive_timeout 1300s;",
        "server_tokens on;",
        "error_log logs/error.log error;",
        "gzip_comp_level 5;",
        "set_real_ip_from 10.0.0.0/8;",
        "listen 0.0.0.0:80 default_server reuseport",
    ):
        assert line in text


def test_all_paths_are_relative_to_the_folder() -> None:
    paths = [word for word in tokens(text_of()) if word.startswith("/")]
    known = ("/usr/lib/nginx/modules/", "/usr/share/lua/5.1/")
    assert all(word.startswith(known) or word == "/" for word in paths)


def test_each_configuration_has_an_id_of_its_own() -> None:
    ids = {
        render(RouterSettings(), PlatformSettings(body_size=size), LIMITS).id
        for size in ("1m", "2m")
    }
    assert len(ids) == 2


def test_all_listeners_may_be_bound_beside_a_dead_master_s_workers() -> None:
    text = text_of(health_listen=("127.0.0.1:9090",))
    listeners = [line for line in text.splitlines() if "listen " in line and "unix:" not in line]
    assert len(listeners) == 2
    assert all("reuseport" in line for line in listeners)


def test_the_lua_code_is_complete() -> None:
    assert {"start.lua", "route.lua", "balance.lua", "admin.lua"} <= lua_files().keys()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("*:80", "*:80"),
        ("[::]:080", "[::]:80"),
        ("::1:80", "[::1]:80"),
    ],
)
def test_listen_addresses_are_normal(text: str, address: str) -> None:
    assert listen_address(text) == address


@pytest.mark.parametrize(
    "environ",
    [
        {"R_LISTEN": "80"},
        {"R_LISTEN": "127.0.0.1:80;"},
        {"R_LISTEN": ""},
        {"R_NGINX": "nginx"},
        {"R_MODULES": "/a;b"},
        {"R_USER": "a b"},
        {"R_CONNECT_TIMEOUT": "0"},
    ],
)
def test_wrong_settings_of_a_host_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        load(RouterSettings, file=None, prefix="R", environ=environ)


@given(st.dictionaries(st.sampled_from(["bodySize", "gzipTypes", "gzipDisable"]), hostile))
def test_no_platform_setting_changes_the_shape_of_the_file(texts: dict[str, str]) -> None:
    settings, _ = platform.read(texts)
    plain, changed = tokens(text_of()), tokens(text_of(settings))
    for sign in ";{}":
        assert plain.count(sign) == changed.count(sign)


OURS = {entry.metadata["name"] for entry in fields(PlatformSettings)}


@given(st.dictionaries(hostile.filter(lambda name: name not in OURS), hostile))
def test_settings_that_are_not_ours_are_ignored(texts: dict[str, str]) -> None:
    assert platform.read(texts) == (PlatformSettings(), {})


def test_a_wrong_setting_is_named() -> None:
    settings, problems = platform.read({"bodySize": "big", "gzipCompLevel": "9"})
    assert problems == {"bodySize": "is not a size such as 512k, 1m or 2g"}
    assert settings.gzip_level == 9


def test_hsts_is_one_header() -> None:
    settings = PlatformSettings(hsts=True, hsts_subdomains=True, hsts_preload=True)
    assert 'https "max-age=10886400; includeSubDomains; preload";' in text_of(settings)


def test_hsts_implies_https_unless_it_is_set_by_itself() -> None:
    assert platform.read({"hsts/enabled": "true"})[0].https_only
    assert not platform.read({"hsts/enabled": "true", "enforceHTTPS": "false"})[0].https_only

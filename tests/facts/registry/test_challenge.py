from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.facts.registry.challenge import Challenge, parse_challenge

WHOLE = Challenge("auth.example.com", "/token", "registry", "repository:web:pull")
WORDS = [
    "Bearer ",
    "Basic ",
    "realm",
    "=",
    '"',
    ",",
    " ",
    "\t",
    "https://",
    "a.example.com",
    ":443",
    "/",
    "@",
    "\\",
    "?",
]


@pytest.mark.parametrize(
    "header",
    [
        'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:web:pull"',
        'bearer  realm="https://AUTH.example.com:443/token" , SERVICE=registry, scope="repository:web:pull"',
        'Basic realm="x", Bearer service="registry",scope="repository:web:pull",realm="https://auth.example.com/token"',
        'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:web:pull", Basic realm="x"',
        'Bearer realm="https://auth.example.com/token",realm="https://evil.example/",service=registry,scope="repository:web:pull"',
    ],
)
def test_the_forms_that_registries_send(header: str) -> None:
    assert parse_challenge([header]) == WHOLE


def test_the_first_bearer_challenge_of_several_headers() -> None:
    assert parse_challenge(['Basic realm="x"', 'Bearer realm="https://a/b"']) == Challenge("a", "/b", None, None)


@pytest.mark.parametrize("headers", [[], [""], ['Basic realm="Bearer"'], ["Bearer"], ["NotBearer realm=x"]])
def test_no_bearer_challenge(headers: list[str]) -> None:
    assert parse_challenge(headers) is None


@pytest.mark.parametrize(
    "realm",
    [
        "http://a/b",
        "https://a:8443/b",
        "https://u@a/b",
        "https://u:p@a/b",
        "https://a\\@b/",
        "https://a/b#c",
        "https://a/b c",
        "https://a/\u00e9",
        "https://\u00e9/",
        "https:///b",
        "https://[::1]/",
        "//a/b",
        "a/b",
        "",
    ],
)
def test_a_realm_that_is_no_plain_https_url(realm: str) -> None:
    assert parse_challenge([f'Bearer realm="{realm}",service="s"']) == Challenge(None, None, "s", None)


def test_a_realm_without_a_path() -> None:
    assert parse_challenge(["Bearer realm=https://a"]) == Challenge("a", "/", None, None)


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), max_size=60).map("".join))
def test_whatever_a_registry_sends_is_read_or_not(header: str) -> None:
    found = parse_challenge([header])
    if found and found.host is not None:
        assert re.fullmatch(r"[a-z0-9.-]+", found.host)
        assert found.target
        assert re.fullmatch(r"/[!-~]*", found.target)


@pytest.mark.parametrize("part", ["Bearer ", ",", " ", ", ", 'a="', "a=b,", "a", '"', "a=", ",Bearer a=b", "\t,"])
def test_reading_takes_no_longer_than_the_header_is_long(part: str) -> None:
    began = time.thread_time()
    for _ in range(20):
        parse_challenge(["Bearer " + part * 50_000])
    assert time.thread_time() - began < 2

"""Outside text loses what must not be shown, and nothing else."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pull_doctor.intake.scrub import scrub

SIGNED = (
    "https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com/ab/77?X-Amz-Security-Token=marker-token"
    "&X-Amz-Credential=marker-id%2F20261101&X-Amz-Signature=marker-signature"
)


@pytest.mark.parametrize(
    "text",
    [
        f'Get "{SIGNED}": dial tcp 52.218.1.1:443: i/o timeout',
        f"Get {SIGNED}: i/o timeout",
        f"<{SIGNED}>",
        f"({SIGNED})",
        f"{SIGNED}",
        SIGNED[:-5],
        SIGNED.replace("&", "\\u0026"),
        SIGNED.replace("?X-Amz", "?\x1b[31mX-Amz"),
        SIGNED.replace("&X-Amz-Sig", "\n&X-Amz-Sig"),
        "https://ops:marker-password@registry.example.com/v2/",
        "https://ops:marker?password@registry.example.com/v2/",
        "https://ops:pass/marker@registry.example.com/v2/",
        "https://ops:marker-pass",
        "https://proxy.example.com/https://ops:marker-password@registry.example.com/",
        "https://marker-token@registry.example.com",
    ],
)
def test_signatures_and_credentials_never_pass(text: str) -> None:
    assert "marker" not in scrub(text)


def test_host_path_and_the_words_around_a_url_stay() -> None:
    assert scrub(f'Get "{SIGNED}": dial tcp 52.218.1.1:443: i/o timeout') == (
        'Get "https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com/ab/77?[...]": '
        "dial tcp 52.218.1.1:443: i/o timeout"
    )
    assert scrub("Get https://a.example/x?sig=1: EOF") == "Get https://a.example/x?[...]: EOF"
    assert scrub("see (https://a.example/x?sig=1), please") == "see (https://a.example/x?[...]), please"
    assert scrub("Get https://me:pw@a.example:5000/v2/: EOF") == "Get https://a.example:5000/v2/: EOF"


@pytest.mark.parametrize(
    "text",
    [
        "Get https://registry.example.com:5000/v2/: dial tcp 10.0.0.1:5000: i/o timeout",
        "Get https://[fd00::1]:5000/v2/: EOF",
        "Get https://registry.example.com: EOF",
        "Head https://registry-1.docker.io/v2/library/web/manifests/sha256:77@x: 404",
        "<!channel> @here $(reboot) `id` [/x] [manifests 3.1] It’s 日本語 is this a question?",  # noqa: RUF001 - as typed
    ],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x1b\\", "red link"),
        ("\x9b2Jcleared", "cleared"),
        ("two\nlines\tand\r\nmore", "two lines and  more"),
        ("bell\x07 back\x08 null\x00 del\x7f", "bell back null del"),
        ("\u202egnp.exe\u202c \u2066x\u2069 a\u200bb", "gnp.exe x ab"),
        ("half \ud83d pair", "half \ufffd pair"),
    ],
)
def test_control_characters_go(text: str, expected: str) -> None:
    assert scrub(text) == expected


PIECES = [*"/?@#[]:'\"<> .ab1\\", "://", "\x1b", "\x1b[", "\n", "\ud800", "X-Amz-Signature=", "&"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
@example("https://a@://b@c")
@example("://?://?")
@example("https://ops:pass/word@registry.example.com/v2/")
@example("://:[/@[")
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once


@given(st.text(st.characters(exclude_categories=())))
def test_the_result_is_one_printable_line(text: str) -> None:
    clean = scrub(text)
    clean.encode()  # raises on half of a pair
    assert len(clean.splitlines()) <= 1
    assert "\x1b" not in clean


@pytest.mark.parametrize(
    "unit", ["://", "a:b@", "https://u:p@h/x?q ", "\x1b[", "\x1b]", "?", "X-Amz-Signature=", "a" * 9]
)
def test_time_grows_with_the_text_only(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    start = time.perf_counter()
    scrub(text)
    assert time.perf_counter() - start < 5

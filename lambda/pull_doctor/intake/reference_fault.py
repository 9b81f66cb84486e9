"""Why a text is not a legal image reference, where in it, and which one it must mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from pull_doctor.intake.image_reference import (
    DIGEST,
    HOST,
    MAX_NAME,
    MAX_TEXT,
    REPOSITORY,
    TAG,
    parse_reference,
    split_name,
)

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)

_Faults: TypeAlias = tuple[tuple[str, re.Pattern[str]], ...]
_WHITE = r"(?:\s|\\(?:[nrt]|x0[bc]|x85|xa0|u(?:1680|20[0-6][0-9a-f]|3000|feff)))"
"""White space, as it is or written out."""
_EDGES = re.compile(rf"^(?:{_WHITE}|[\"'`])+|(?:{_WHITE}|[\"'`])+$")
UNFILLED = "holds an unfilled placeholder"
# In the order in which they are told. Behind this table the text has only characters that references may have.
_ANYWHERE: _Faults = (
    ("is empty", re.compile(rf"^{_WHITE}*$")),
    (
        UNFILLED,
        re.compile(
            r"\$\{[^}]*\}?|\$\([^)]*\)?|\$\w+|\{\{[^{}]*\}\}|\{\w+\}|<[\w .-]+>|%\w+%|(?:^|(?<=/))None(?=[:/@]|$)",
            re.ASCII,
        ),
    ),
    ("ends in white space", re.compile(rf"{_WHITE}+$")),
    ("begins with white space", re.compile(rf"^{_WHITE}+")),
    ("begins with {}", _SCHEME),
    ("begins as an ARN does, and is no name", re.compile(r"^arn:[^/]*")),
    ("has white space in it", re.compile(f"{_WHITE}+")),
    (
        "has a character in it that no reference may have",
        re.compile(r"\\(?:x\w{2}|u\w{4}|U\w{8})|[^\w.:/@\[\]-]", re.ASCII),
    ),
)
_IN_THE_PATH: _Faults = (
    ("has a slash without a name on both sides of it", re.compile(r"^/+|/{2,}|/+$")),
    ("has upper case in its repository name", re.compile(r"[^/]*[A-Z](?:.*[A-Z])?[^/]*")),
    (
        "has dots, dashes, or underscores out of place",
        re.compile(r"(?<![a-z0-9._-])[._-]+|[._-]+(?![a-z0-9._-])|(?<![._-])(?!__[^._-]|-+[^._-])[._-]{2,}"),
    ),
    ("has an impossible repository name", re.compile(r".+")),
)
_IN_THE_TAG: _Faults = (
    ("has more than one colon behind its name", re.compile(r":.*")),
    ("has a slash in its tag", re.compile(r"/")),
    ("has a tag that begins with a dot or a dash", re.compile(r"^[.-]+")),
    ("has a tag of more than 128 characters", re.compile(r"(?<=^.{128}).+")),
    ("has an impossible tag", re.compile(r".+")),
)
_DIGITS = 64
_MOST_JUDGED = 2 * MAX_TEXT


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is not a legal reference: ``why`` goes on from "the image reference ...".

    ``part`` is where, to be found as the last place in the text that reads so; empty where there is none.
    ``corrected`` is the legal reference that the text must mean, if there is only one.
    """

    why: str
    part: str = ""
    corrected: str | None = None


def find_fault(text: str) -> Fault | None:
    """Say where a text is not a legal image reference; ``None`` if it is one.

    White space and other characters that nobody sees may stand in the text as they are, or written out as ``visible``
    of ``intake.scrub`` does.
    """
    if parse_reference(text) is not None:
        return None
    if len(text) > _MOST_JUDGED:
        return Fault(f"has more than {MAX_NAME} characters")
    why, start, end = _fault(text)
    # Longer than it need be where the same stands once more behind it.
    while text.rfind(text[start:end]) != start:
        end += 1
    return Fault(why, text[start:end], None if why == UNFILLED else _corrected(text))


def _corrected(text: str) -> str | None:
    bare = _SCHEME.sub("", _EDGES.sub("", text), count=1)
    name, at, digest = bare.partition("@")
    *_, repository, colon, tag = split_name(name)
    end = len(name) - len(repository + colon + tag)
    corrected = f"{name[:end]}{repository.lower()}{colon}{tag.lstrip(':')}{at}{digest.lower()}"
    return corrected if parse_reference(corrected) else None


def _fault(text: str) -> tuple[str, int, int]:
    if any(pattern.search(text) for _, pattern in _ANYWHERE):
        return _first(_ANYWHERE, text, 0)
    name, at, digest = text.partition("@")
    if at and not DIGEST.fullmatch(digest):
        return _fault_of_digest(digest, len(name))
    if len(name) > MAX_NAME:
        return f"has more than {MAX_NAME} characters", MAX_NAME, len(name)
    return _fault_of_name(name)


def _fault_of_digest(digest: str, at: int) -> tuple[str, int, int]:
    start, end = at + 1, at + 1 + len(digest)
    algorithm, colon, digits = digest.partition(":")
    if "@" in digest:
        return "has more than one @", start + digest.index("@"), end
    if not colon or algorithm != "sha256":
        return "has an @ and no digest that begins with sha256: behind it", at if not digest else start, end
    if len(digits) != _DIGITS:
        return f"has a digest of {len(digits)} digits instead of {_DIGITS}", end - len(digits) if digits else at, end
    if DIGEST.fullmatch(digest.lower()):
        return "has upper case in its digest", end - _DIGITS, end
    return "has more than the digits 0 to 9 and a to f in its digest", end - _DIGITS, end


def _fault_of_name(name: str) -> tuple[str, int, int]:
    host_missing, first, repository, colon, tag = split_name(name)
    start = len(name) - len(repository + colon + tag)
    end = start + len(repository)
    if not host_missing and not HOST.fullmatch(first):
        host, _, port = first.rpartition(":")
        if HOST.fullmatch(host):
            return "has a port that is not a number of up to 5 digits", len(host) + bool(port), len(first)
        return "has an impossible host name", 0, len(first)
    if not repository:
        return "names no repository", max(start - 1, 0), max(start, len(name) if host_missing else 0)
    if not REPOSITORY.fullmatch(repository):
        return _first(_IN_THE_PATH, repository, start)
    if colon and not TAG.fullmatch(tag):
        return _first(_IN_THE_TAG, tag, end + 1) if tag else ("has a colon without a tag behind it", end, end + 1)
    return "is the id of an image, not a name", 0, len(name)


def _first(faults: _Faults, part: str, start: int) -> tuple[str, int, int]:
    """Return what is told of a part that has one of these faults, and where: the part begins at ``start``."""
    why, found = next((why, found) for why, pattern in faults if (found := pattern.search(part)))
    return why.format(found[0]), start + found.start(), start + found.end()

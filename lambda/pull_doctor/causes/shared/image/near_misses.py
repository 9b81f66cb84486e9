"""Names that are close to one that does not exist: stated with how they differ, or not at all.

A slip is another way to write the same thing. Another version, build, commit, or service is none, however much alike
it looks: 1.43.0 for 1.42.0 is one character, and so no measure of likeness can tell the two apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

# Applied in this order, these make names equal that differ only by how they are written.
_FORMS = (
    ("the leading v", re.compile(r"^v(?=\d)"), ""),
    ("the v before its version", re.compile(r"(?<=[-_./])v(?=\d)"), ""),
    (
        "how its date is written",
        re.compile(r"(?<!\d)((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)"),
        r"\1.\2.\3",
    ),
    ("leading zeros", re.compile(r"(?<!\d)0+(?=\d)"), ""),
    # 1.42.0 is not 1.4.20: between two numbers a separator may be another one, but not missing.
    ("its separators", re.compile(r"(?<=\d)[-_./]+(?=\d)"), "."),
    ("its separators", re.compile(r"(?<!\d)[-_./]+|[-_./]+(?!\d)"), ""),
)
_CASE = "upper and lower case"
_HOW = tuple(dict.fromkeys((_CASE, *(how for how, _, _ in _FORMS))))

_SIGNED = (".sig", ".att", ".sbom")
"""What is kept beside an image, and is none."""
_COMMIT = re.compile(r"(?<![a-z0-9])g?((?=\d*[a-f])[0-9a-f]{7,64})(?![a-z0-9])")
"""A commit, as it stands or behind the g of git describe. Digits alone are a date or the number of a build."""
_WORD = re.compile(rf"{_COMMIT.pattern}|(x86[-_.]64|(?:amd|arm|aarch)64|[a-z]+|\d+)")
_KINDS = tuple(
    {spelling: words.split()[0] for words in kind for spelling in words.split()}
    for kind in (
        (
            *("production prod prd", "staging stage stg", "development develop dev", "testing test tst"),
            *("main master", "release rel", "integration int", "preproduction preprod", "sandbox sbx"),
            *("qa", "uat", "demo", "canary", "nightly"),
        ),
        ("amd64 x86_64 x86-64 x86.64", "arm64 aarch64"),
        ("alpine", "slim", "debian", "bookworm", "bullseye", "ubuntu", "jammy", "noble", "distroless"),
        ("service svc", "latest", "dirty"),
    )
)
"""Words that are often added, left out, or exchanged, by kind: environments and branches, CPUs, bases, and others."""
_TELLING = re.compile(r"\d{3}|\d \d")
"""A number that no two builds share by chance: a version, a date, or a long one."""
_LETTERS = 5
_ELSEWHERE = "has the same name under another path"


def difference(wanted: str, found: str) -> str | None:
    """How ``found`` differs from ``wanted``, if by a slip of the usual kinds; else ``None``."""
    return _judged(wanted, found)[1]


def near(wanted: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Only the near misses, closest first, each with how it differs."""
    return tuple((name, how) for name, how in closest(wanted, names) if how)


def closest(wanted: str, names: tuple[str, ...]) -> tuple[tuple[str, str | None], ...]:
    """The names, closest first, each with how it differs; names that are as close as each other keep their order."""
    judged = [(name, *_judged(wanted, name)) for name in names]
    # One such name may have moved; several are the like of other teams.
    alone = sum(how == _ELSEWHERE for _, _, how in judged) == 1
    judged = [(name, rank, how if alone or how != _ELSEWHERE else None) for name, rank, how in judged]
    slips = sorted((one for one in judged if one[2]), key=lambda one: (one[1], *_apart(wanted, one[0])))
    return tuple((name, how) for name, _, how in (*slips, *(one for one in judged if one[2] is None)))


def _judged(wanted: str, found: str) -> tuple[int, str | None]:
    """How far the rule that fits stands from the first one, and what it says; ``None`` where no rule fits."""
    if wanted != found and not found.endswith(_SIGNED):
        for rank, rule in enumerate((_by_form, _by_commit, _by_path, _by_version, _by_words, _by_place)):
            if how := rule(wanted, found):
                return rank, how
    return 0, None


def _by_form(wanted: str, found: str) -> str | None:
    if _form(wanted) != _form(found):
        return None
    needed = [how for how in _HOW if _form(wanted, how) != _form(found, how)]
    return f"differs only by {' and '.join(needed) or 'how it is written'}"


def _by_commit(wanted: str, found: str) -> str | None:
    one, other = _commit(wanted), _commit(found)
    same = one and other and (one.startswith(other) or other.startswith(one))
    return "names the same commit" if same else None


def _by_path(wanted: str, found: str) -> str | None:
    fewer, more = sorted((wanted.split("/"), found.split("/")), key=len)
    rest = iter(more)
    within = len(fewer) < len(more) and fewer[-1] == more[-1] and all(part in rest for part in fewer)
    return "differs only by the path before its name" if within else None


def _by_version(wanted: str, found: str) -> str | None:
    """A version that is written to fewer or more places."""
    asked, there = wanted.removeprefix("v"), found.removeprefix("v")
    shorter, longer = sorted((asked, there), key=len)
    if not re.fullmatch(r"\d+\.\d+", shorter, re.ASCII) or not longer.startswith(f"{shorter}."):
        return None
    rest = longer.removeprefix(f"{shorter}.")
    if rest == "0":
        return "differs only by the final .0"
    return f"is a version of {wanted}" if there == longer and rest.isdecimal() else None


def _by_words(wanted: str, found: str) -> str | None:
    mine = _words(wanted)
    lacks, has = _between(mine, _words(found))
    shared = " ".join(word for word in mine if word not in lacks)
    if not lacks or not has:
        added = lacks or has
        known = len(shared) > 1 and all(map(_kind, added))
        if any(map(str.isdigit, added)) or not (known or _TELLING.search(shared)):
            return None
        return f"lacks {' '.join(lacks)}" if lacks else f"has {' '.join(has)} besides"
    if len(lacks) > 1 or len(has) > 1:
        return None
    (one,), (other,) = lacks, has
    kind = _kind(one)
    exchanged = other in kind and (kind[one] == kind[other] or len(shared) > 1)
    return f"has {other} instead of {one}" if exchanged or _misspelt(one, other) else None


def _by_place(wanted: str, found: str) -> str | None:
    name = wanted.rpartition("/")[2]
    return _ELSEWHERE if len(_words(name)) > 1 and "/" in wanted and found.rpartition("/")[2] == name else None


# The wanted name is asked for again with each other one.
@lru_cache(maxsize=16)
def _form(name: str, without: str = "") -> str:
    name = name if without == _CASE else name.casefold()
    for how, pattern, to in _FORMS:
        name = name if how == without else pattern.sub(to, name)
    return name


@lru_cache(maxsize=16)
def _words(name: str) -> tuple[str, ...]:
    return tuple("".join(found) for found in _WORD.findall(_form(name, "its separators")))


@lru_cache(maxsize=16)
def _commit(name: str) -> str | None:
    return next(iter(_COMMIT.findall(name.casefold())[::-1]), None)


def _apart(wanted: str, found: str) -> tuple[int, int]:
    """By how many words the names differ, and by how many slashes, which mean more than other separators."""
    lacks, has = _between(_words(wanted), _words(found))
    return len(lacks) + len(has), abs(wanted.count("/") - found.count("/"))


def _kind(word: str) -> dict[str, str]:
    return next((kind for kind in _KINDS if word in kind), {})


def _misspelt(one: str, other: str) -> bool:
    """Whether a word is another one with a letter too many or another letter, or with two letters swapped."""
    shorter, longer = sorted((one, other), key=len)
    # A short word, or one that begins with another letter, is rather another word.
    if not (one + other).isalpha() or _COMMIT.fullmatch(one) or len(longer) < _LETTERS or one[0] != other[0]:
        return False
    left, right = _between(shorter, longer)
    if len(left) == len(right) == 1:
        return len(longer) > _LETTERS
    return len(right) == 1 or left == right[::-1]


def _between(one: Sequence[T], other: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """What is left of both without what they begin and end with alike."""
    begin = _alike(one, other)
    one, other = one[begin:], other[begin:]
    end = _alike(one[::-1], other[::-1])
    return one[: len(one) - end], other[: len(other) - end]


def _alike(one: Sequence[T], other: Sequence[T]) -> int:
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))

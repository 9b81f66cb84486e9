"""Names that are close to one that does not exist: stated with how they differ, or not at all."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_CLOSE = 0.8
"""The least similarity at which an unlisted difference still counts as a slip."""


def difference(wanted: str, found: str) -> str | None:
    """How ``found`` differs from ``wanted``, if by a slip of the usual kinds; else ``None``."""
    if wanted.casefold() == found.casefold():
        return "differs only by upper and lower case"
    if wanted.casefold().removeprefix("v") == found.casefold().removeprefix("v"):
        return "differs only by the leading v"
    if _plain(wanted) == _plain(found):
        return "differs only by its separators"
    shorter, longer = sorted((wanted, found), key=len)
    if "/" in wanted + found and wanted.rpartition("/")[2] == found.rpartition("/")[2]:
        return "differs only by the path before its name"
    if re.fullmatch(r"[0-9a-f]{7,64}", shorter) and longer.startswith(shorter):
        return "starts with the same commit"
    if wanted.rpartition("/")[0] == found.rpartition("/")[0]:
        # A path that both share makes no name more alike.
        wanted, found = wanted.rpartition("/")[2], found.rpartition("/")[2]
    if _digits(wanted) == _digits(found) and SequenceMatcher(None, wanted, found).ratio() >= _CLOSE:
        return "differs by a few letters"
    return None


def near(wanted: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Only the near misses, closest first, each with how it differs."""
    return tuple((name, how) for name, how in closest(wanted, names) if how)


def closest(wanted: str, names: tuple[str, ...]) -> tuple[tuple[str, str | None], ...]:
    """The names, closest first, each with how it differs; names without a near miss keep their order."""
    judged = [(name, difference(wanted, name)) for name in names]
    near = [pair for pair in judged if pair[1]]
    near.sort(key=lambda pair: -SequenceMatcher(None, wanted, pair[0]).ratio())
    return (*near, *(pair for pair in judged if pair[1] is None))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]", "", name.casefold())


def _digits(name: str) -> list[str]:
    # Another version number is another version, not a slip.
    return re.findall(r"\d+", name)

"""The wildcards of policies, in time that hardly grows with what a hostile policy holds.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

from collections.abc import Mapping

_LITERAL = {ord("*"): "\ue000", ord("?"): "\ue001"}


def literal(text: str) -> str:
    """The text with its stars and question marks as characters that stand for themselves in a pattern."""
    return text.translate(_LITERAL)


def fits(pattern: str, text: str) -> bool:
    """Whether ``text`` fits the pattern: ``*`` stands for any characters, ``?`` for one; nothing else is special.

    What stands between two stars is looked for once, at the first place where it fits, so that the time does not
    grow with the number of places where it almost does.
    """
    first, *middle = pattern.split("*")
    if not middle:
        return len(first) == len(text) and _stands_at(0, first, text)
    last = middle.pop()
    end = len(text) - len(last)
    if end < len(first) or not _stands_at(0, first, text) or not _stands_at(end, last, text):
        return False
    return _found_in_turn([one for one in middle if one], text[len(first) : end])


def _stands_at(at: int, piece: str, text: str) -> bool:
    for run in piece.split("?"):
        if not text.startswith(run, at):
            return False
        at += len(run) + 1
    return at <= len(text) + 1


def _found_in_turn(pieces: list[str], text: str) -> bool:
    at = 0
    where: dict[str, int] = {}
    for piece in pieces:
        if "?" not in piece:
            at = text.find(piece, at)
        elif not _stands_at(at, piece, text):
            where = where or _places(text)
            at = _find(piece, where, len(text), at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _places(text: str) -> dict[str, int]:
    """Where each character stands: bit n for the n-th character."""
    bits: dict[str, bytearray] = {}
    for number, char in enumerate(text):
        if char not in bits:
            bits[char] = bytearray(len(text) // 8 + 1)
        bits[char][number >> 3] |= 1 << (number & 7)
    return {char: int.from_bytes(one, "little") for char, one in bits.items()}


def _find(piece: str, places: Mapping[str, int], length: int, start: int) -> int:
    """The first place from ``start`` on where a piece with question marks fits; all places are tried at once."""
    tried = length - len(piece) + 1 - start
    fitting = (1 << tried) - 1 if tried > 0 else 0
    for offset, char in enumerate(piece):
        if char != "?":
            fitting &= places.get(char, 0) >> (start + offset)
        if not fitting:
            return -1
    return start + (fitting & -fitting).bit_length() - 1

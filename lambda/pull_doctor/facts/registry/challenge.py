"""Reads what a registry asks for: a token, from whom, for what.

https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST = 8192

# Possessive: what was read once is never read again, whatever a server sends.
_BEARER = re.compile(r"(?:^|,)[ \t]*+Bearer[ \t]++", re.IGNORECASE)
_PARAMETER = re.compile(r'[ \t,]*+(?P<name>[A-Za-z_]++)=(?:"(?P<quoted>[^"]*+)"|(?P<bare>[^\s,"]++))')
_REALM = re.compile(r"https://(?P<host>[a-z0-9.-]++)(?::443)?(?P<target>/[!$-~]*+)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A Bearer challenge. ``host`` and ``target`` are its realm, a request to port 443.

    Both are ``None`` if the realm is anything but an https URL on that port without credentials or a fragment.
    """

    host: str | None
    target: str | None
    service: str | None
    scope: str | None


def parse_challenge(headers: Iterable[str]) -> Challenge | None:
    """The first Bearer challenge among the values of ``WWW-Authenticate``; ``None`` if there is none."""
    for header in headers:
        if bearer := _BEARER.search(header[:_LONGEST]):
            parameters = _parameters(header, bearer.end())
            realm = _REALM.fullmatch(parameters.get("realm", ""))
            return Challenge(
                host=realm["host"].lower() if realm else None,
                target=(realm["target"] or "/") if realm else None,
                service=parameters.get("service"),
                scope=parameters.get("scope"),
            )
    return None


def _parameters(header: str, position: int) -> dict[str, str]:
    """The parameters up to the next challenge, or to whatever is none."""
    found: dict[str, str] = {}
    while part := _PARAMETER.match(header, position, _LONGEST):
        found.setdefault(part["name"].lower(), part["quoted"] or part["bare"] or "")
        position = part.end()
    return found

"""Policy variables: ``${aws:PrincipalArn}``, ``${aws:PrincipalTag/team, 'none'}``, and ``${*}``, ``${?}``, ``${$}``.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pull_doctor.policy.answers import Answer, all_of
from pull_doctor.policy.request import Outside, Values
from pull_doctor.policy.wildcards import literal

_VARIABLE = re.compile(r"\$\{(?:(?P<sign>[*?$])|(?P<key>[^{}',]+?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?)\}")


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text whose variables are replaced; ``given`` is ``no`` where the request lacks a key that has no default."""

    given: Answer
    text: str
    keys: tuple[str, ...] = ()


def expand(text: str, values: Mapping[str, Values]) -> Expanded:
    """Replace the variables; what is put in is literal, as :func:`pull_doctor.policy.wildcards.literal` marks it."""
    parts: list[str] = []
    given: list[Answer] = []
    keys: list[str] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["sign"]:
            parts.append(literal(found["sign"]))
            continue
        keys.append(found["key"].strip().lower())
        value = values.get(keys[-1])
        if value is None or isinstance(value, Outside) or len(value) > 1:
            given.append("unknown")
        elif value or found["default"] is not None:
            parts.append(literal(value[0] if value else found["default"]))
        else:
            given.append("no")
    parts.append(text[at:])
    if "${" in _VARIABLE.sub(" ", text):
        given.append("unknown")
    return Expanded(all_of(given), "".join(parts), tuple(dict.fromkeys(keys)))

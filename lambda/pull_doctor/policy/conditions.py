"""Conditions: every operator, with IfExists, ForAllValues and ForAnyValue.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import operator as compare
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any

from pull_doctor.policy.answers import Answer, all_of, any_of, opposite
from pull_doctor.policy.request import Outside, Values, account_of
from pull_doctor.policy.variables import expand
from pull_doctor.policy.wildcards import fits, literal

_ARN_PARTS = 6

Test = Callable[[str, str], bool]
"""Whether a value of the request, the second, passes what the policy says, the first.

Raises ``ValueError`` or ``ArithmeticError`` where one of them is not of the operator's type.
"""


@dataclass(frozen=True, slots=True)
class Held:
    """Whether a condition holds; its key as it is written, and the keys that it rests on, in lower case.

    ``names_role``: it asks for the ARN of the caller's role.
    """

    answer: Answer
    written: str
    keys: tuple[str, ...] = ()
    names_role: bool = False


def conditions(condition: Any, values: Mapping[str, Values], *, with_variables: bool) -> Iterator[Held]:
    """Each condition of a statement; all must hold."""
    for operator, block in condition.items() if isinstance(condition, Mapping) else [("", None)]:
        if not isinstance(block, Mapping):
            yield Held("unknown", "its condition")
            continue
        for key, wanted in block.items():
            patterns, keys = _patterns(wanted, operator, values, with_variables=with_variables)
            answer = _holds(operator, values.get(key.lower()), patterns) if patterns else "unknown"
            names_role = key.lower() == "aws:principalarn" and operator.rpartition(":")[-1] in _NAMING
            yield Held(answer, key, (key.lower(), *keys), names_role)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A value in the policy; ``given`` is not ``yes`` where a variable in it is absent or not known."""

    text: str
    given: Answer = "yes"


def _patterns(
    wanted: Any, operator: str, values: Mapping[str, Values], *, with_variables: bool
) -> tuple[list[_Pattern], tuple[str, ...]]:
    """The values of a condition, none where they cannot be read, and the keys of the variables in them."""
    found: list[_Pattern] = []
    keys: list[str] = []
    for one in wanted if isinstance(wanted, list) else [wanted]:
        if not isinstance(one, str | int | float):
            return [], ()
        text = str(one).lower() if isinstance(one, bool) else str(one)
        if not (with_variables and "${" in text):
            found.append(_Pattern(text))
        elif any(kind in operator for kind in ("String", "Arn")):
            expanded = expand(text, values)
            found.append(_Pattern(expanded.text, expanded.given))
            keys += expanded.keys
        else:
            found.append(_Pattern(text, "unknown"))
    return found, tuple(keys)


def _holds(operator: str, value: Values | None, patterns: list[_Pattern]) -> Answer:
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    if operator == "Null":
        return _is_absent(value, patterns)
    if value is None or base not in _OPERATORS or operator.removesuffix(name) not in _QUANTIFIERS:
        return "unknown"
    test, negated = _OPERATORS[base]
    if isinstance(value, Outside):
        answer = _outside(base, value, patterns)
        # A key that only may be there holds where it is not.
        return "unknown" if quantifier or (name != base and answer == "no") else answer
    # For a set operator a value that is empty is none.
    present = tuple(one for one in value if one) if quantifier else value
    if not present:
        passes = quantifier == "ForAllValues" or name != base or (negated and not quantifier)
        return "yes" if passes else "no"
    passed = [_passes(test, one, patterns, negated=negated) for one in present]
    if not quantifier:
        # What AWS does with several values and no set operator is not documented.
        return passed[0] if len(passed) == 1 else "unknown"
    return all_of(passed) if quantifier == "ForAllValues" else any_of(passed)


def _passes(test: Test, value: str, patterns: list[_Pattern], *, negated: bool) -> Answer:
    """Whether the value passes one of the patterns, or none of them where the operator is the opposite of its test."""
    answers: list[Answer] = []
    for one in patterns:
        try:
            # A variable without a value matches nothing, so that the opposite holds.
            passes = one.given == "yes" and test(one.text, value)
        except (ValueError, ArithmeticError):
            return "unknown"
        answers.append("unknown" if one.given == "unknown" else "yes" if passes else "no")
    return opposite(any_of(answers)) if negated else any_of(answers)


def _is_absent(value: Values | None, patterns: list[_Pattern]) -> Answer:
    wanted = {one.text.lower() for one in patterns}
    if not isinstance(value, tuple) or not wanted <= {"true", "false"}:
        return "unknown"
    return "yes" if ("false" if any(value) else "true") in wanted else "no"


def _outside(base: str, value: Outside, patterns: list[_Pattern]) -> Answer:
    """What holds for a value that only is known to be none of an account's and its organization's."""
    if base.removeprefix("String").removeprefix("Arn") not in ("Equals", "NotEquals", "Like", "NotLike"):
        return "unknown"
    # An organization's id begins with "o-"; a policy lists the reader's own.
    others = all(
        one.given == "yes" and (one.text.startswith("o-") or account_of(one.text) == value.account) for one in patterns
    )
    return ("yes" if "Not" in base else "no") if others else "unknown"


def _equal(pattern: str, value: str) -> bool:
    return literal(pattern) == literal(value)


def _equal_without_case(pattern: str, value: str) -> bool:
    return _equal(pattern.lower(), value.lower())


def _like(pattern: str, value: str) -> bool:
    return fits(pattern, literal(value))


def _arn_like(pattern: str, value: str) -> bool:
    wanted, parts = pattern.split(":", _ARN_PARTS - 1), value.split(":", _ARN_PARTS - 1)
    if len(wanted) < _ARN_PARTS or len(parts) < _ARN_PARTS:
        raise ValueError("no ARN")
    return all(_like(*pair) for pair in zip(wanted, parts, strict=True))


def _is_true(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text.lower() == "true"


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError("no number")
    return number


def _moment(text: str) -> float:
    """Seconds since 1970, from a date with or without its time, or from the number itself."""
    if text.isdecimal():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _in_range(pattern: str, value: str) -> bool:
    return ip_address(value) in ip_network(pattern, strict=False)


def _read_as(read: Callable[[str], Any], compared: Callable[[Any, Any], bool]) -> Test:
    return lambda pattern, value: compared(read(value), read(pattern))


_ORDERS = {
    "Equals": compare.eq,
    "LessThan": compare.lt,
    "LessThanEquals": compare.le,
    "GreaterThan": compare.gt,
    "GreaterThanEquals": compare.ge,
}
_TESTS: dict[str, Test] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_without_case,
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": _read_as(_is_true, compare.eq),
    "BinaryEquals": _read_as(lambda text: b64decode(text, validate=True), compare.eq),
    "IpAddress": _in_range,
    **{f"Numeric{name}": _read_as(_number, order) for name, order in _ORDERS.items()},
    **{f"Date{name}": _read_as(_moment, order) for name, order in _ORDERS.items()},
}
_OPPOSITES = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}
_OPERATORS = {
    **{name: (test, False) for name, test in _TESTS.items()},
    **{name: (_TESTS[base], True) for name, base in _OPPOSITES.items()},
}
"""The operators, each with its test and whether it is the opposite of it."""

_QUANTIFIERS = ("", "ForAllValues:", "ForAnyValue:")
_NAMING = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")

"""What one policy decides about one request, and which of its statements decides.

An explicit deny wins, then an allow; without either the answer is no. What is not known of the request leaves a
statement open: it then neither denies nor allows.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pull_doctor.policy.document import Statement, fits, name_of, names_action, statements_of, texts

Answer = Literal["yes", "no", "unknown"]
Effect = Literal["allow", "deny", "no", "unknown"]

_ARN_PARTS = 6
_FLIPPED: dict[Answer, Answer] = {"yes": "no", "no": "yes", "unknown": "unknown"}


@dataclass(frozen=True, slots=True)
class Outside:
    """An identity, account, or owner that belongs neither to ``account`` nor to its organization."""

    account: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``principal`` is the ARN of the role that asks; ``None``: anybody.

    ``resource`` may end in ``/*``: some object below. ``context`` holds condition keys, in lower case, whose values
    are known, besides those that follow from the principal.
    """

    action: str
    resource: str
    principal: str | Outside | None = None
    context: Mapping[str, str | Outside] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """``allow``, ``deny`` (explicit), ``no`` (nothing allows it), or ``unknown``.

    ``statement`` names what decided, ``number`` is its place, counted from 1; a ``no`` has neither. ``why`` says what
    an ``unknown`` depends on, and by what the first statement that allows the action leaves out what gets a ``no``.
    """

    effect: Effect
    statement: str | None = None
    number: int = 0
    why: str | None = None


def evaluate(document: str, request: Request) -> Decision:
    """Say what the policy decides; a document that is no policy is ``unknown``."""
    try:
        statements = statements_of(document)
    except ValueError:
        return Decision("unknown", why="it cannot be read as a policy")
    if any(one.get("Effect") not in ("Allow", "Deny") for one in statements):
        return Decision("unknown", why="a statement of it neither allows nor denies")
    found: dict[tuple[str, Answer], Decision] = {}
    left_out = None
    for number, statement in enumerate(statements, 1):
        if not names_action(statement, request.action):
            continue
        answer, part = _applies(statement, request)
        effect, name = statement["Effect"], name_of(statements, number)
        settled: Effect = "deny" if effect == "Deny" else "allow"
        decision = (
            Decision("unknown", name, number, f"{name} depends on {part}")
            if answer == "unknown"
            else Decision(settled, name, number)
        )
        found.setdefault((effect, answer), decision)
        if (effect, answer) == ("Allow", "no"):
            left_out = left_out or f"{name} leaves it out by {part}"
    nothing_allows = not {("Allow", "yes"), ("Allow", "unknown")} & set(found)
    return (
        found.get(("Deny", "yes"))
        or (Decision("no", why=left_out) if nothing_allows else None)
        or found.get(("Deny", "unknown"))
        or found.get(("Allow", "yes"))
        or found[("Allow", "unknown")]
    )


def _applies(statement: Statement, request: Request) -> tuple[Answer, str | None]:
    """Whether a statement on the action is about the request, and which part says no or is not known."""
    open_part = None
    for answer, part in _parts(statement, request):
        if answer == "no":
            return "no", part
        if answer == "unknown":
            open_part = open_part or part
    return ("unknown", open_part) if open_part else ("yes", None)


def _parts(statement: Statement, request: Request) -> Iterator[tuple[Answer, str]]:
    yield _on_resource(statement, request.resource), "its resource"
    yield _to_principal(statement, request.principal), "its principal"
    yield from _conditions(statement.get("Condition") or {}, _values(request))


def _any(answers: Iterable[Answer]) -> Answer:
    found = set(answers)
    return "yes" if "yes" in found else "unknown" if "unknown" in found else "no"


def _on_resource(statement: Statement, resource: str) -> Answer:
    if "Resource" in statement:
        return _any(_covers(one, resource) for one in texts(statement["Resource"]))
    if "NotResource" in statement:
        return _FLIPPED[_any(_covers(one, resource) for one in texts(statement["NotResource"]))]
    return "yes"


def _covers(pattern: str, resource: str) -> Answer:
    if "${" in pattern:
        return "unknown"
    if fits(pattern, resource):
        return "yes"
    some_below = resource.endswith("/*") and pattern.startswith(resource.removesuffix("*"))
    return "unknown" if some_below else "no"


def _to_principal(statement: Statement, who: str | Outside | None) -> Answer:
    """Whether the statement is about who asks.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    if "Principal" in statement:
        return _names(statement["Principal"], who)
    # Whom NotPrincipal spares hangs on the session and the account too.
    return "yes" if "NotPrincipal" in statement and _names(statement["NotPrincipal"], who) == "no" else "unknown"


def _names(principal: Any, who: str | Outside | None) -> Answer:
    members = principal if isinstance(principal, Mapping) else {"AWS": principal}
    names = texts(members.get("AWS"))
    if "*" in names:
        return "yes"
    others: Answer = "unknown" if set(members) - {"AWS"} and not isinstance(who, str) else "no"
    return _any([others, *(_is(one, who) for one in names)])


def _is(name: str, who: str | Outside | None) -> Answer:
    if who is None:
        return "unknown"
    if isinstance(who, Outside):
        return "no" if account_of(name) == who.account else "unknown"
    account, partition = account_of(who), who.split(":")[1]
    if name in (who, account, f"arn:{partition}:iam::{account}:root"):
        return "yes"
    session = name.startswith(f"arn:{partition}:sts::{account}:assumed-role/{who.rsplit('/', 1)[-1]}/")
    # What is neither an ARN nor an account is the id of an identity, which may be this role's.
    return "unknown" if session or account_of(name) is None else "no"


def account_of(name: str) -> str | None:
    """Return the account of an ARN or the account id itself, ``None`` for what is neither."""
    parts = name.split(":", _ARN_PARTS - 1)
    if len(parts) == _ARN_PARTS:
        return parts[4]
    return name if name.isdigit() else None


def _values(request: Request) -> dict[str, str | Outside]:
    """The condition keys whose values are known.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    who = request.principal
    own: dict[str, str | Outside] = {}
    if isinstance(who, Outside):
        own = dict.fromkeys(("aws:principalarn", "aws:principalaccount", "aws:principalorgid"), who)
    elif who is not None:
        own = {"aws:principalarn": who, "aws:principalaccount": account_of(who) or ""}
    return own | dict(request.context)


def _arn_fits(pattern: str, value: str) -> bool:
    pairs = pattern.split(":", _ARN_PARTS - 1), value.split(":", _ARN_PARTS - 1)
    return len(pairs[0]) == len(pairs[1]) and all(fits(*pair) for pair in zip(*pairs, strict=True))


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": fits,
    "ArnEquals": _arn_fits,
    "ArnLike": _arn_fits,
}
_OPERATORS = {
    **{name: (test, False) for name, test in _TESTS.items()},
    **{
        name: (_TESTS[base], True)
        for name, base in (
            ("StringNotEquals", "StringEquals"),
            ("StringNotLike", "StringLike"),
            ("ArnNotEquals", "ArnEquals"),
            ("ArnNotLike", "ArnLike"),
        )
    },
}
"""The operators that are evaluated, each with its test and whether it is the opposite of it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""


def _conditions(condition: Any, known: Mapping[str, str | Outside]) -> Iterator[tuple[Answer, str]]:
    """Each condition's answer and its key; all must hold."""
    if not isinstance(condition, Mapping):
        yield "unknown", "its condition"
        return
    for operator, block in condition.items():
        for key, values in block.items() if isinstance(block, Mapping) else (("its condition", None),):
            yield _holds(operator, known.get(key.lower()), values), key


def _holds(operator: str, value: str | Outside | None, wanted: Any) -> Answer:
    test, negated = _OPERATORS.get(operator.removesuffix("IfExists"), (None, False))
    patterns = wanted if isinstance(wanted, list) else [wanted]
    if test is None or value is None or not all(isinstance(one, str) for one in patterns):
        return "unknown"
    answer = _any(_compared(test, one, value) for one in patterns)
    return _FLIPPED[answer] if negated else answer


def _compared(test: Callable[[str, str], bool], pattern: str, value: str | Outside) -> Answer:
    if "${" in pattern:
        return "unknown"
    if isinstance(value, Outside):
        # An organization's id begins with "o-"; a policy lists the reader's own.
        return "no" if pattern.startswith("o-") or account_of(pattern) == value.account else "unknown"
    return "yes" if test(pattern, value) else "no"

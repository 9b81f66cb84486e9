"""What one policy decides about one request, and which of its statements decides.

An explicit deny wins, then an allow; without either the answer is no. What is not known of the request leaves a
statement open: it then neither denies nor allows.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pull_doctor.policy.answers import Answer, all_of, any_of, opposite
from pull_doctor.policy.conditions import Held, conditions
from pull_doctor.policy.document import (
    Policy,
    Statement,
    name_of,
    names_action,
    read,
    texts,
    unreadable,
)
from pull_doctor.policy.principals import Form, names, strongest
from pull_doctor.policy.request import Request
from pull_doctor.policy.variables import expand
from pull_doctor.policy.wildcards import fits, literal

Effect = Literal["allow", "deny", "no", "unknown"]

_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class Decision:
    """``allow``, ``deny`` (explicit), ``no`` (nothing allows it), or ``unknown``.

    ``statement`` names what decided, ``number`` is its place, counted from 1; a ``no`` has neither. ``why`` says what
    an ``unknown`` depends on, and by what the first statement that allows the action leaves out what gets a ``no``.
    ``keys``: the condition keys, in lower case, that decided, or on which it depends. ``granted_to``: the strongest
    form in which a statement that allows it names the caller, ``may_grant_to``: in which one that stays open does,
    where that is stronger. ``may_deny``: a statement that denies stays open; what is ``no`` is refused either way.
    """

    effect: Effect
    statement: str | None = None
    number: int = 0
    why: str | None = None
    keys: tuple[str, ...] = ()
    granted_to: Form | None = None
    may_grant_to: Form | None = None
    may_deny: bool = False


@dataclass(frozen=True, slots=True)
class _Judged:
    """Whether one statement is about the request, and which part says no or is not known."""

    name: str
    number: int
    answer: Answer
    part: str | None = None
    keys: tuple[str, ...] = ()
    sure: Form | None = None
    maybe: Form | None = None


def evaluate(document: str, request: Request) -> Decision:
    """Say what the policy decides; a document that is no policy is ``unknown``."""
    try:
        policy = read(document)
    except ValueError:
        return Decision("unknown", why="it cannot be read as a policy", may_grant_to="session", may_deny=True)
    judged = [
        (one.get("Effect"), _judge(policy, one, number, request)) for number, one in enumerate(policy.statements, 1)
    ]
    # A statement that neither allows nor denies in so many words may do either.
    denials = [one for effect, one in judged if effect != "Allow"]
    allows = [one for effect, one in judged if effect != "Deny"]
    for one in denials:
        if one.answer == "yes":
            return Decision("deny", one.name, one.number, keys=one.keys)
    return _without_deny([one for one in denials if one.answer == "unknown"], allows)


def merge(decisions: Sequence[Decision]) -> Decision:
    """Say what several policies of one layer decide together: each may allow, and each may deny."""
    denial = next((one for one in decisions if one.effect == "deny"), None)
    if denial:
        return denial
    allowing = [one for one in decisions if one.effect == "allow"]
    open_ = sorted((one for one in decisions if one.effect == "unknown"), key=lambda one: not one.may_deny)
    may_deny = any(one.may_deny for one in decisions)
    if not allowing and not open_:
        why = next((one.why for one in decisions if one.why), None)
        return Decision("no", why=why, keys=_keys(decisions), may_deny=may_deny)
    granted_to = strongest(one.granted_to for one in decisions)
    maybe = strongest((granted_to, *(one.may_grant_to for one in decisions)))
    may_grant_to = maybe if maybe != granted_to else None
    if allowing and not may_deny:
        first = next(one for one in allowing if one.granted_to == granted_to)
        return replace(first, may_grant_to=may_grant_to)
    first = next(one for one in (*open_, *decisions) if one.may_deny or not may_deny)
    return replace(first, effect="unknown", granted_to=granted_to, may_grant_to=may_grant_to, may_deny=may_deny)


def _without_deny(denials: Sequence[_Judged], allows: Sequence[_Judged]) -> Decision:
    """What follows where no statement surely denies; ``denials`` are those that may."""
    granting = [one for one in allows if one.answer == "yes"]
    may_grant = [one for one in allows if one.answer == "unknown"]
    if not granting and not may_grant:
        left_out = [one for one in allows if one.part]
        why = f"{left_out[0].name} leaves it out by {left_out[0].part}" if left_out else None
        return Decision("no", why=why, keys=_keys(left_out), may_deny=bool(denials))
    granted_to = strongest(one.sure for one in granting)
    maybe = strongest((granted_to, *(one.maybe for one in granting), *(one.maybe or one.sure for one in may_grant)))
    may_grant_to = maybe if maybe != granted_to else None
    if granting and not denials:
        one = next(one for one in granting if one.sure == granted_to)
        return Decision("allow", one.name, one.number, None, one.keys, granted_to, may_grant_to)
    open_ = [*denials, *([] if granting else may_grant)]
    why = f"{open_[0].name} depends on {open_[0].part}"
    return Decision(
        "unknown", open_[0].name, open_[0].number, why, _keys(open_), granted_to, may_grant_to, bool(denials)
    )


def _keys(judged: Iterable[_Judged | Decision]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for one in judged for key in one.keys))


def _judge(policy: Policy, statement: Statement, number: int, request: Request) -> _Judged:
    name = name_of(policy.statements, number)
    if wrong := unreadable(statement):
        return _Judged(name, number, "unknown", f"its {wrong}, which cannot be read", maybe="session")
    if not names_action(statement, request.action):
        return _Judged(name, number, "no")
    values = request.values
    on_resource = _on_resource(statement, request, with_variables=policy.with_variables)
    named = names(statement, request.principal)
    held = list(conditions(statement.get("Condition") or {}, values, with_variables=policy.with_variables))
    parts = [on_resource, Held(named.answer, "its principal"), *held]
    answer = all_of(one.answer for one in parts)
    deciding = [one for one in parts if one.answer == answer]
    sure, maybe = named.sure, named.maybe
    if any(one.names_role for one in held):
        # Everyone whose role has that ARN: this grants to the role's sessions themselves.
        sure, maybe = (None if one is None else "session" if one == "everyone" else one for one in (sure, maybe))
    if answer == "no" and any(one in deciding for one in parts[:2]):
        return _Judged(name, number, "no", deciding[0].written)
    keys = tuple(dict.fromkeys(key for one in deciding for key in one.keys))
    return _Judged(name, number, answer, deciding[0].written if answer != "yes" else None, keys, sure, maybe)


def _on_resource(statement: Statement, request: Request, *, with_variables: bool) -> Held:
    keys: list[str] = []
    spared = "NotResource" in statement
    completed = not {"Principal", "NotPrincipal"} & set(statement)

    def covered(pattern: str) -> Answer:
        if not with_variables or "${" not in pattern:
            return _covers(pattern, request.resource, completed=completed)
        expanded = expand(pattern, request.values)
        keys.extend(expanded.keys)
        # Variables have their place in the last part of an ARN. One without a value makes a Resource match nothing;
        # what it makes of a NotResource is not documented.
        misplaced = "${" in ":".join(pattern.split(":")[: _ARN_PARTS - 1])
        if misplaced or expanded.given == "unknown" or (spared and expanded.given == "no"):
            return "unknown"
        return "no" if expanded.given == "no" else _covers(expanded.text, request.resource, completed=completed)

    if not spared and "Resource" not in statement:
        return Held("yes", "its resource")
    answer = any_of([covered(one) for one in texts(statement["NotResource" if spared else "Resource"])])
    return Held(opposite(answer) if spared else answer, "its resource", tuple(keys))


def _covers(pattern: str, resource: str, *, completed: bool) -> Answer:
    """Whether the pattern covers the resource; ``completed``: AWS completes an ARN that is cut short with stars.

    It does so in the policies of identities; what it does elsewhere is not documented.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    below = resource.endswith("/*")
    if fits(pattern, literal(resource)) and (not below or pattern.endswith("*")):
        return "yes"
    missing = _ARN_PARTS - len(pattern.split(":"))
    if pattern.startswith("arn:") and missing > 0:
        answer = _covers(pattern + ":*" * missing, resource, completed=completed)
        return "unknown" if answer == "yes" and not completed else answer
    if not below:
        return "no"
    # What comes after the first star of the pattern may be what the object's name ends in.
    head, star, _ = pattern.partition("*")
    above = literal(resource.removesuffix("*"))
    begins = all(one in ("?", other) for one, other in zip(head, above, strict=False))
    return "unknown" if begins and (star or len(head) >= len(above)) else "no"

"""Whom a statement is about: every form of Principal and NotPrincipal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pull_doctor.policy.answers import Answer
from pull_doctor.policy.document import Statement, texts
from pull_doctor.policy.request import Caller, Outside, account_of

Form = Literal["session", "everyone", "role", "account"]
"""How a statement names the caller, the strongest form first."""

_STRENGTH: tuple[Form, ...] = ("session", "everyone", "role", "account")


@dataclass(frozen=True, slots=True)
class Named:
    """Whether the statement is about who asks; the strongest forms that surely and that perhaps name them."""

    answer: Answer
    sure: Form | None = None
    maybe: Form | None = None


def strongest(forms: Iterable[Form | None]) -> Form | None:
    """The strongest of the forms."""
    found = set(forms)
    return next((one for one in _STRENGTH if one in found), None)


def is_at_least(form: Form | None, weakest: Form) -> bool:
    """Whether the form is ``weakest`` or stronger."""
    return form is not None and _STRENGTH.index(form) <= _STRENGTH.index(weakest)


def names(statement: Statement, who: Caller | Outside | None) -> Named:
    """Whether the statement is about who asks; one without a principal is about whom its policy is attached to."""
    if "NotPrincipal" in statement:
        return _spared(list(_matches(statement["NotPrincipal"], who)), who, denies=statement.get("Effect") == "Deny")
    if "Principal" not in statement:
        return Named("yes")
    found = list(_matches(statement["Principal"], who))
    sure = strongest(form for answer, form in found if answer == "yes")
    maybe = strongest(form for answer, form in found if answer == "unknown")
    return Named("yes" if sure else "unknown" if maybe else "no", sure, maybe)


def _spared(found: list[tuple[Answer, Form]], who: Caller | Outside | None, *, denies: bool) -> Named:
    """Whom NotPrincipal does not spare.

    AWS may look at the account, the role and the session one after the other: only who is listed in all three forms is
    surely spared, and who has a permissions boundary is never spared from a Deny. With an Allow it is not supported.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    listed = {form for answer, form in found if answer == "yes"}
    bounded = who.bounded if isinstance(who, Caller) else False
    if "everyone" in listed and bounded is False:
        return Named("no")
    if denies and (bounded or all(answer == "no" for answer, _ in found)):
        return Named("yes", "everyone")
    if denies and bounded is False and {"session", "role", "account"} <= listed:
        return Named("no")
    return Named("unknown", None, "everyone")


def _matches(principal: Any, who: Caller | Outside | None) -> Iterator[tuple[Answer, Form]]:
    for kind, named in (principal if isinstance(principal, dict) else {"AWS": principal}).items():
        for name in texts(named):
            if kind == "AWS":
                yield _is(name, who)
            elif kind == "CanonicalUser":
                yield "unknown", "account"
            else:
                # The session of a role is neither a service nor somebody who signed in elsewhere.
                yield "no" if isinstance(who, Caller) else "unknown", "account"


def _is(name: str, who: Caller | Outside | None) -> tuple[Answer, Form]:
    if name == "*":
        return "yes", "everyone"
    if not isinstance(who, Caller):
        other = isinstance(who, Outside) and account_of(name) == who.account
        return "no" if other else "unknown", "account"
    if account_of(name) is None:
        return _is_id(name, who), "role"
    partition = who.arn.split(":")[1]
    if name in (who.account, f"arn:{partition}:iam::{who.account}:root"):
        return "yes", "account"
    session_of = f"arn:{partition}:sts::{who.account}:assumed-role/{who.arn.rsplit('/', 1)[-1]}/"
    if name.startswith(session_of):
        same = name.removeprefix(session_of) == who.session
        return "unknown" if who.session is None else "yes" if same else "no", "session"
    return "yes" if name == who.arn else "no", "role"


def _is_id(name: str, who: Caller) -> Answer:
    """Whether the unique id is the role's: AWS shows it once the role that the policy named is deleted."""
    if not name.startswith("AROA"):
        return "no" if name.startswith("AIDA") else "unknown"
    return "unknown" if who.id is None else "yes" if name == who.id else "no"

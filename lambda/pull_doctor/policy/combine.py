"""How AWS combines what the policies decide: who grants, what limits the grant, and whose deny wins.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-id-rdp.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pull_doctor.policy.answers import Answer, all_of, any_of
from pull_doctor.policy.evaluate import Decision, Effect
from pull_doctor.policy.principals import Form, is_at_least

Layer = Literal[
    "resource-control-policy",
    "service-control-policy",
    "endpoint-policy",
    "identity-policy",
    "permissions-boundary",
    "session-policy",
    "resource-policy",
]

_ALWAYS: tuple[Layer, ...] = ("resource-control-policy", "service-control-policy", "endpoint-policy")
_OF_THE_ROLE: tuple[Layer, ...] = ("permissions-boundary", "session-policy")
_NOT_GIVEN = Decision("unknown", why="it was not read", may_grant_to="session", may_deny=True)


@dataclass(frozen=True, slots=True)
class Combined:
    """What all layers decide together; the layer that decides, or on which it depends, with its own decision.

    A layer without a decision has no policy: it is what should grant, and does not.
    """

    effect: Effect
    layer: Layer | None = None
    decision: Decision | None = None


def combine(decisions: Mapping[Layer, Decision | None], *, same_account: bool, key_policy: bool = False) -> Combined:
    """Say what the layers decide; ``None``: there is no such policy.

    The role's own policies and the resource's are unknown where they are not given; another layer that is not given
    is not there. ``key_policy``: the resource is a KMS key, whose policy must admit at least the account.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    """
    given: dict[Layer, Decision | None] = {"identity-policy": _NOT_GIVEN, "resource-policy": _NOT_GIVEN, **decisions}
    for layer, decision in given.items():
        if decision and decision.effect == "deny":
            return Combined("deny", layer, decision)
    granted = _within_account(given, key_policy=key_policy) if same_account else _across_accounts(given)
    answers = [*((layer, _lets_pass(given.get(layer))) for layer in _ALWAYS), *granted]
    open_ = [layer for layer, answer in answers if answer == "unknown"]
    open_ += [layer for layer, decision in given.items() if decision and decision.may_deny]
    if refusing := [layer for layer, answer in answers if answer == "no"]:
        return Combined("no", refusing[0], given.get(refusing[0]))
    if open_:
        return Combined("unknown", open_[0], given.get(open_[0]))
    own = given["identity-policy"]
    granting: Layer = "identity-policy" if own and own.effect == "allow" else "resource-policy"
    return Combined("allow", granting, given[granting])


def _across_accounts(given: Mapping[Layer, Decision | None]) -> list[tuple[Layer, Answer]]:
    """Both sides must allow it, and what limits the role's own policies limits the pull."""
    limits = [(layer, _lets_pass(given.get(layer))) for layer in _OF_THE_ROLE]
    return [
        ("identity-policy", _allows(given["identity-policy"])),
        *limits,
        ("resource-policy", _grants(given["resource-policy"], "account")),
    ]


def _within_account(given: Mapping[Layer, Decision | None], *, key_policy: bool) -> list[tuple[Layer, Answer]]:
    """Either side may allow it; the account as principal leaves it to the role's own policies.

    What limits the role limits a grant to the role, but none to its session; whether it limits a grant to everyone
    without a condition on the role is not documented.
    """
    resource, own = given["resource-policy"], _allows(given["identity-policy"])
    if key_policy:
        admitted = _grants(resource, "account")
        if admitted == "no":
            return [("resource-policy", "no")]
        own = all_of([own, admitted])
    granted = any_of([own, _grants(resource, "role")])
    limits = [(layer, _lets_pass(given.get(layer))) for layer in _OF_THE_ROLE]
    past_limits: Answer = "no" if _grants(resource, "everyone") == "no" else "unknown"
    limited = all_of([granted, *(answer for _, answer in limits)])
    answer = any_of([_grants(resource, "session"), limited, past_limits])
    if answer == "yes":
        return []
    if answer == "unknown" and limited == "no":
        # All that could still allow it is a grant past those limits.
        return [("resource-policy", answer)]
    hangs_on_resource = granted == "unknown" and _allows(given["identity-policy"]) != "unknown"
    granter: Layer = "resource-policy" if hangs_on_resource else "identity-policy"
    layers = [(granter, granted), *limits]
    return [(next((layer for layer, one in layers if one == limited), granter), answer)]


def _lets_pass(decision: Decision | None) -> Answer:
    return "yes" if decision is None else _allows(decision)


def _allows(decision: Decision | None) -> Answer:
    if decision is None:
        return "no"
    return "yes" if decision.effect == "allow" else "unknown" if decision.effect == "unknown" else "no"


def _grants(decision: Decision | None, weakest: Form) -> Answer:
    """Whether a resource's policy grants it in a form that is at least as strong."""
    answer = _allows(decision)
    if decision is None or answer == "no" or is_at_least(decision.granted_to, weakest):
        return answer
    untold = decision.granted_to is None and decision.may_grant_to is None
    return "unknown" if untold or is_at_least(decision.may_grant_to, weakest) else "no"

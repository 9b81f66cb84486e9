"""What IAM's simulation says of a role's own policies, as the verdicts of their layers.

It evaluates the identity policies, the permissions boundary, and service control policies together, so that a refusal
by one of the latter two leaves the identity policies open.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import Simulated
from pull_doctor.policy.evaluate import Decision
from pull_doctor.policy.rulings import Layer, Verdict, unread


def settles(one: Simulated, *, foreign: bool) -> bool:
    """Whether the simulation settles every layer of its own: nothing was missing, and no limit hides the policies.

    Of a resource that is ``foreign``, another account's, it says "nothing allows it" also where only the resource's
    policy is lacking, which it is not given.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
    """
    limited = one.boundary_allows is False or one.organization_allows is False
    return not (one.missing_context or limited or (foreign and one.decision == "implicitDeny"))


def layers_of(one: Simulated, role: str, boundary: str, *, foreign: bool) -> tuple[Verdict, ...]:
    """The verdicts on the role's policies, its boundary, and the organization's service control policies.

    ``boundary`` is what a sentence calls the permissions boundary; ``foreign`` as in ``settles``.
    """
    policies = f"the policies of {role}"
    if one.missing_context:
        detail = f"the answer depends on {', '.join(one.missing_context)}, which the simulation was not given"
        return (
            _open("identity-policy", policies, one.action, detail),
            _open("permissions-boundary", boundary, one.action, detail),
        )
    if one.decision == "allowed":
        return (Verdict("identity-policy", Decision("allow", _named(one)), policies),)
    limits: tuple[tuple[Layer, bool | None, str], ...] = (
        ("permissions-boundary", one.boundary_allows, boundary),
        ("service-control-policy", one.organization_allows, "the organization's service control policies"),
    )
    refusing = tuple(Verdict(layer, Decision("no"), read) for layer, allows, read in limits if allows is False)
    if refusing:
        detail = " and ".join(limit.read for limit in refusing) + " did not allow it"
        return (_open("identity-policy", policies, one.action, detail), *refusing)
    if foreign and one.decision == "implicitDeny":
        detail = "it may be the other account's policy that does not allow it, which the simulation is not given"
        return (_open("identity-policy", policies, one.action, detail),)
    refusal = Decision("deny", _named(one)) if one.decision == "explicitDeny" else Decision("no")
    return (Verdict("identity-policy", refusal, policies),)


def _named(one: Simulated) -> str | None:
    return ", ".join(one.statements) or None


def _open(layer: Layer, read: str, action: str, detail: str) -> Verdict:
    fact = f"what {read} alone decide{'s' if layer == 'permissions-boundary' else ''} on {action}"
    return unread(layer, read, Unknown(fact, "not-visible", "iam:SimulatePrincipalPolicy", detail=detail))

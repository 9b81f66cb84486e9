"""What the layers of one request come to together, and which of them is to blame."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import Simulated
from pull_doctor.policy.combine import Layer as CombinedLayer
from pull_doctor.policy.combine import combine
from pull_doctor.policy.evaluate import Decision
from pull_doctor.policy.principals import Form
from pull_doctor.policy.request import Caller, Request, Values
from pull_doctor.policy.rulings import Layer, Need, Ruling, Verdict, hangs_on, judge, together, unread
from pull_doctor.policy.simulated import layers_of, settles

ACCOUNT, OTHER = "111122223333", "999988887777"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/web-exec"
ACTION = "ecr:BatchGetImage"
UNREAD = Unknown("the policy", "denied")
LAYERS: tuple[Layer, ...] = (
    "identity-policy",
    "permissions-boundary",
    "service-control-policy",
    "resource-policy",
    "registry-policy",
)


def verdict(layer: Layer, effect: str) -> Verdict:
    """``allow`` may name the form of the grant behind a colon; ``unread`` is a policy that was not read."""
    if effect == "unread":
        return unread(layer, layer, UNREAD)
    kind, _, form = effect.partition(":")
    decision = Decision(kind, granted_to=form or None, may_deny=kind == "unknown")  # type: ignore[arg-type] # its literals
    return Verdict(layer, decision, layer, UNREAD if kind == "unknown" else None, document="{}")


def ruling(owner: str = ACCOUNT, resource: str | None = None, **effects: str) -> Ruling:
    need = Need(ACTION, resource or f"arn:aws:ecr:eu-west-1:{owner}:repository/web", "resolve", owner)
    layers = {layer.replace("-", "_"): layer for layer in LAYERS}
    return Ruling(need, ROLE, tuple(verdict(layers[name], effect) for name, effect in effects.items()))


def refusing(one: Ruling) -> dict[str, str]:
    """The layers that refuse it, or may."""
    found = {layer: one.refused_by(layer).answer for layer in LAYERS}
    return {layer: answer for layer, answer in found.items() if answer != "no"}


def test_in_one_account_the_roles_policies_suffice() -> None:
    assert refusing(ruling(identity_policy="allow")) == {}
    assert refusing(ruling(identity_policy="allow", resource_policy="no")) == {}
    assert refusing(ruling(identity_policy="no")) == {"identity-policy": "yes"}


@pytest.mark.parametrize(
    ("form", "suffices"), [("session", True), ("everyone", True), ("role", True), ("account", False)]
)
@pytest.mark.parametrize("layer", ["resource_policy", "registry_policy"])
def test_in_one_account_the_resources_policy_suffices_where_it_names_the_role(
    layer: str, form: str, *, suffices: bool
) -> None:
    one = ruling(identity_policy="no", **{layer: f"allow:{form}"})
    assert refusing(one) == ({} if suffices else {"identity-policy": "yes"})


@pytest.mark.parametrize(
    ("form", "refused"), [("session", "no"), ("everyone", "unknown"), ("role", "yes"), ("account", "yes")]
)
@pytest.mark.parametrize("identity", ["allow", "no"])
def test_a_boundary_limits_what_is_granted_to_the_role_and_not_what_is_granted_to_its_session(
    identity: str, form: str, refused: str
) -> None:
    one = ruling(identity_policy=identity, permissions_boundary="no", resource_policy=f"allow:{form}")
    assert one.refused_by("permissions-boundary").answer == refused


def test_across_accounts_both_sides_must_allow_it() -> None:
    assert refusing(ruling(OTHER, identity_policy="allow", resource_policy="allow:account")) == {}
    assert refusing(ruling(OTHER, identity_policy="allow")) == {"resource-policy": "yes"}
    assert refusing(ruling(OTHER, identity_policy="no", resource_policy="allow:role")) == {"identity-policy": "yes"}
    assert refusing(ruling(OTHER, identity_policy="no", resource_policy="no")) == {
        "identity-policy": "yes",
        "resource-policy": "yes",
    }
    boundary = ruling(OTHER, identity_policy="allow", permissions_boundary="no", resource_policy="allow:session")
    assert refusing(boundary) == {"permissions-boundary": "yes"}
    assert refusing(ruling(OTHER, identity_policy="allow", registry_policy="allow:account")) == {}


def test_the_sign_in_is_the_roles_own() -> None:
    assert refusing(ruling(OTHER, "*", identity_policy="allow")) == {}
    one = ruling(ACCOUNT, "*", identity_policy="no", permissions_boundary="no")
    assert refusing(one) == {"identity-policy": "yes", "permissions-boundary": "yes"}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("owner", [ACCOUNT, OTHER])
def test_a_deny_anywhere_wins(layer: Layer, owner: str) -> None:
    effects = {"identity_policy": "allow", "resource_policy": "allow:session"} | {layer.replace("-", "_"): "deny"}
    assert refusing(ruling(owner, **effects)) == {layer: "yes"}


def test_an_organization_that_does_not_allow_it_refuses_it_whatever_the_resource_grants() -> None:
    one = ruling(identity_policy="allow", service_control_policy="no", resource_policy="allow:session")
    assert refusing(one) == {"service-control-policy": "yes"}


def test_what_is_not_read_leaves_open_what_it_may_decide() -> None:
    assert refusing(ruling(identity_policy="unread")) == {"identity-policy": "unknown"}
    # It may grant what the role's policies do not, and it may deny.
    both = refusing(ruling(identity_policy="no", resource_policy="unread"))
    assert both == {"identity-policy": "unknown", "resource-policy": "unknown"}
    assert refusing(ruling(identity_policy="allow", resource_policy="unread")) == {"resource-policy": "unknown"}
    assert refusing(ruling(OTHER, identity_policy="no", resource_policy="unread")) == {
        "identity-policy": "yes",
        "resource-policy": "unknown",
    }


def test_a_registrys_policy_that_is_not_read_is_an_inferred_step_and_not_an_open_one() -> None:
    refusal = ruling(identity_policy="no", registry_policy="unread").refused_by("identity-policy")
    assert (refusal.answer, len(refusal.inferred)) == ("yes", 1)
    assert ruling(identity_policy="no").refused_by("identity-policy").inferred == ()


def test_a_policy_that_may_only_allow_more_refuses_nothing_where_nothing_has_to_allow_it() -> None:
    open_grant = Verdict("resource-policy", Decision("unknown", may_grant_to="role"), "it", UNREAD, document="{}")
    need = ruling().need
    allowed = Ruling(need, ROLE, (verdict("identity-policy", "allow"), open_grant))
    assert refusing(allowed) == {}
    lacking = Ruling(need, ROLE, (verdict("identity-policy", "no"), open_grant))
    assert refusing(lacking) == {"identity-policy": "unknown"}
    to_the_account = Verdict(
        "resource-policy", Decision("unknown", may_grant_to="account"), "it", UNREAD, document="{}"
    )
    assert refusing(Ruling(need, ROLE, (verdict("identity-policy", "no"), to_the_account))) == {
        "identity-policy": "yes"
    }


EFFECTS = ("allow:role", "allow:session", "allow:account", "no", "deny", "unread")


def test_reading_more_never_turns_one_settled_answer_into_the_other() -> None:
    """Whatever an unread policy turns out to say, a layer that was settled before stays as it was."""
    for owner, known, layer in itertools.product((ACCOUNT, OTHER), EFFECTS, ("identity_policy", "resource_policy")):
        other = "resource_policy" if layer == "identity_policy" else "identity_policy"
        before = ruling(owner, **{layer: "unread", other: known})
        for effect in EFFECTS:
            after = ruling(owner, **{layer: effect, other: known})
            for one in LAYERS:
                was, became = before.refused_by(one).answer, after.refused_by(one).answer
                assert was in ("unknown", became), (owner, layer, known, effect, one)


FORMS: tuple[Form | None, ...] = ("session", "everyone", "role", "account")
OWN = (None, Decision("allow"), Decision("deny"), Decision("no"), Decision("unknown", may_deny=True))
OF_RESOURCE = (
    *(Decision("allow", granted_to=form) for form in FORMS),
    *(Decision("unknown", may_grant_to=form, may_deny=True) for form in FORMS),
    Decision("deny"),
    Decision("no"),
)


@pytest.mark.parametrize("owner", [ACCOUNT, OTHER])
def test_the_layers_that_refuse_are_those_on_which_the_combined_answer_rests(owner: str) -> None:
    for own, boundary, service, resource in itertools.product(OWN[1:], OWN, OWN, (None, *OF_RESOURCE)):
        decisions: dict[CombinedLayer, Decision | None] = {
            "identity-policy": own,
            "permissions-boundary": boundary,
            "service-control-policy": service,
            "resource-policy": resource,
        }
        verdicts = [Verdict(name, one, name, UNREAD, document="{}") for name, one in decisions.items() if one]  # type: ignore[arg-type] # names of both
        refused = set(refusing(Ruling(ruling(owner).need, ROLE, tuple(verdicts))).values())
        expected = combine(decisions, same_account=owner == ACCOUNT).effect
        answer = "no" if "yes" in refused else "unknown" if refused else "allow"
        assert answer == ("no" if expected == "deny" else expected), decisions


# One policy


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def request(**context: Values) -> Request:
    return Request(ACTION, "arn:aws:ecr:eu-west-1:111122223333:repository/web", Caller(ROLE), context_of(context))


def context_of(context: dict[str, Values]) -> dict[str, Values]:
    return {f"aws:{key}": value for key, value in context.items()}


ALLOW = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
ONLY_HERE = ALLOW | {"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}
FROM_HERE = ALLOW | {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1", "aws:SourceVpc": "vpc-1"}}}


@pytest.mark.parametrize(
    ("statements", "context", "keys"),
    [
        ((ALLOW, ONLY_HERE), {"sourcevpce": ("vpce-2",)}, ("aws:sourcevpce",)),
        ((ALLOW, ONLY_HERE), {"sourcevpce": ()}, ("aws:sourcevpce",)),
        ((ALLOW, ONLY_HERE), {"sourcevpce": ("vpce-1",)}, ()),
        ((ALLOW, ONLY_HERE), {}, ()),
        ((ONLY_HERE,), {"sourcevpce": ()}, ("aws:sourcevpce",)),
        ((FROM_HERE,), {"sourcevpce": (), "sourcevpc": ()}, ("aws:sourcevpc", "aws:sourcevpce")),
        ((FROM_HERE,), {"sourcevpce": ("vpce-2",), "sourcevpc": ("vpc-1",)}, ("aws:sourcevpce",)),
        # What denies or lacks besides is refused whatever way it comes.
        ((ALLOW | {"Effect": "Deny"}, ONLY_HERE), {"sourcevpce": ()}, ()),
        ((ALLOW | {"Action": "s3:*"}, FROM_HERE | {"Action": "s3:*"}), {"sourcevpce": (), "sourcevpc": ()}, ()),
    ],
)
def test_a_refusal_hangs_on_the_way_where_it_would_be_none_on_another(
    statements: tuple[dict[str, Any], ...], context: dict[str, Values], keys: tuple[str, ...]
) -> None:
    asked = request(**context)
    found = judge("identity-policy", "it", document(*statements), asked)
    assert found.hangs_on == keys
    assert found.document is not None
    assert hangs_on(found.document, asked, found.decision) == keys


def test_what_a_policy_leaves_open_is_missing_and_says_why() -> None:
    found = judge("resource-policy", "the policy of web", document(FROM_HERE), request())
    assert found.effect == "unknown"
    assert found.missing == Unknown(
        f"whether the policy of web allows {ACTION}", "not-modelled", detail=found.decision.why
    )
    assert judge("resource-policy", "it", document(ALLOW), request()).missing is None


# Several policies


def judged(*documents: str, **context: Values) -> Verdict:
    return together([judge("identity-policy", one, one, request(**context)) for one in documents], "all of them")


def test_of_several_policies_a_deny_wins_then_an_open_one_then_an_allow() -> None:
    nothing = document(ALLOW | {"Action": "s3:*"})
    assert judged(nothing, document(ALLOW)).effect == "allow"
    assert judged(document(ALLOW), document(ALLOW | {"Effect": "Deny"})).effect == "deny"
    assert judged(document(ALLOW), document(ONLY_HERE)).effect == "unknown"
    assert judged(document(ALLOW), document(ONLY_HERE)).missing is not None
    assert judged(document(ALLOW), document(FROM_HERE)).effect == "allow"
    assert judged(nothing, document(FROM_HERE)).effect == "unknown"
    assert judged(nothing, nothing).effect == "no"
    assert together([], "none").effect == "no"


def test_the_policy_that_nearly_allows_it_is_the_one_that_is_named() -> None:
    elsewhere, here = document(ALLOW | {"Resource": "arn:aws:ecr:*:*:repository/other"}), document(FROM_HERE)
    assert judged(document(ALLOW | {"Action": "s3:*"}), elsewhere).document == elsewhere
    away: dict[str, Values] = {"sourcevpce": (), "sourcevpc": ()}
    assert judged(elsewhere, here, **away).hangs_on == ("aws:sourcevpc", "aws:sourcevpce")


def test_a_deny_that_does_not_hang_on_the_way_is_the_one_that_is_named() -> None:
    flat = document(ALLOW | {"Effect": "Deny"})
    assert judged(document(ONLY_HERE), flat, sourcevpce=()).hangs_on == ()


# What a simulation settles


@pytest.mark.parametrize("decision", ["allowed", "explicitDeny", "implicitDeny"])
def test_across_accounts_only_nothing_allows_it_is_left_open(decision: Any) -> None:
    """A simulation says it too where the other account's policy, which it is not given, is all that lacks."""
    one, open_ = Simulated(ACTION, decision), decision == "implicitDeny"
    assert settles(one, foreign=False)
    assert settles(one, foreign=True) is not open_
    (at_home,) = layers_of(one, ROLE, "the boundary", foreign=False)
    (abroad,) = layers_of(one, ROLE, "the boundary", foreign=True)
    assert abroad.effect == ("unknown" if open_ else at_home.effect)
    assert (abroad.missing is not None) is open_


@pytest.mark.parametrize("foreign", [False, True])
def test_a_limit_that_a_simulation_names_stands_in_either_account(foreign: bool) -> None:  # noqa: FBT001 - one case each
    found = layers_of(Simulated(ACTION, "implicitDeny", boundary_allows=False), ROLE, "the boundary", foreign=foreign)
    assert [(one.layer, one.effect) for one in found] == [
        ("identity-policy", "unknown"),
        ("permissions-boundary", "no"),
    ]

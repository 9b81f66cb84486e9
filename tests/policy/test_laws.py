"""What holds whatever the policies and whatever is known of the request."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from pull_doctor.policy.combine import Layer, combine
from pull_doctor.policy.evaluate import Decision, evaluate, merge
from pull_doctor.policy.request import Caller, Request, Values
from tests.policy.statements import ACCOUNT, PULL, REPOSITORY, ROLE, SESSION, policy, when

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
KEYS = {"aws:sourcevpc": [(), ("vpc-1",), ("vpc-2",)], "k:tags": [(), ("team",), ("app", "team")], "k:n": [(), ("7",)]}
CALLERS = [
    Caller(ROLE, id=one, session=session, bounded=bounded)
    for one, session, bounded in product(["AROAOWN", "AROANEW"], ["task-1", "task-2"], [True, False])
]

CONDITIONS = [
    {},
    when("StringEquals", "aws:PrincipalAccount", ACCOUNT),
    when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/service/*"),
    when("StringEquals", "aws:SourceVpc", "vpc-1"),
    when("StringNotEqualsIfExists", "aws:SourceVpc", "vpc-1"),
    when("Null", "aws:SourceVpc", "true"),
    when("ForAllValues:StringLike", "k:tags", "te*", "ap?"),
    when("ForAnyValue:StringNotEquals", "k:tags", "team"),
    when("StringEquals", "k:tags", "team"),
    when("NumericLessThan", "k:n", "8"),
    when("NumericNotEquals", "k:n", "many"),
    when("StringLike", "aws:SourceVpc", "${k:tags, 'vpc-1'}"),
    when("StringNotLike", "aws:userid", "AROAOWN:*"),
    {"Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}, "NumericEquals": {"K:N": 7}}},
    {"Condition": {"Strings": {"a": "b"}}},
]
PRINCIPALS: list[dict[str, Any]] = [
    {},
    {"Principal": "*"},
    *({"Principal": {"AWS": one}} for one in (ROLE, ROOT, SESSION, "AROAOWN", "AROAGONE", "999988887777")),
    {"Principal": {"AWS": [ROOT, SESSION]}},
    {"NotPrincipal": {"AWS": [ROLE, ROOT, SESSION]}},
    {"NotPrincipal": {"AWS": ROLE}},
]
RESOURCES = ["*", REPOSITORY, "arn:aws:ecr", "arn:aws:s3:::x", "arn:aws:ecr:*:*:repository/${k:tags}/*"]

STATEMENTS = st.builds(
    lambda effect, principal, action, resource, condition: (
        {"Effect": effect, "Action": action} | principal | resource | condition
    ),
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(PRINCIPALS),
    st.sampled_from(["*", "ecr:*", "s3:*"]),
    st.sampled_from([{element: one} for element in ("Resource", "NotResource") for one in RESOURCES]),
    st.sampled_from(CONDITIONS),
)
POLICIES = st.lists(STATEMENTS, max_size=4)
CONTEXTS = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in KEYS.items()})
PARTLY_KNOWN = st.builds(
    Caller,
    st.just(ROLE),
    st.sampled_from([None, "AROAOWN"]),
    st.sampled_from([None, "task-1"]),
    st.sampled_from([None, True, False]),
)


def completions(request: Request) -> Iterator[Request]:
    """Every request that the known part of this one may turn out to be."""
    caller = request.principal
    assert isinstance(caller, Caller)
    callers = [
        replace(caller, id=caller.id or one.id, session=caller.session or one.session, bounded=one.bounded)
        for one in CALLERS
        if caller.bounded in (None, one.bounded)
    ]
    open_ = {name: values for name, values in KEYS.items() if name not in request.context}
    for who, values in product(dict.fromkeys(callers), product(*open_.values())):
        whole: Mapping[str, Values] = {**request.context, **dict(zip(open_, values, strict=True))}
        yield replace(request, principal=who, context=whole)


def passes(decision: Decision) -> bool | None:
    return {"allow": True, "unknown": None}.get(decision.effect, False)


@settings(max_examples=300)
@given(POLICIES, CONTEXTS, PARTLY_KNOWN)
def test_what_is_settled_stays_so_whatever_the_unknown_turns_out_to_be(
    statements: list[dict[str, Any]], context: dict[str, Values], caller: Caller
) -> None:
    partly = replace(PULL, principal=caller, context=context)
    found = evaluate(policy(*statements), partly)
    if found.effect == "unknown":
        return
    for whole in completions(partly):
        decided = evaluate(policy(*statements), whole)
        assert passes(decided) == passes(found)
        assert decided.effect == found.effect or (found.may_deny and decided.effect == "deny")
        if found.effect == "allow" and found.may_grant_to is None:
            assert decided.granted_to == found.granted_to


@settings(max_examples=300)
@given(POLICIES, CONTEXTS, st.sampled_from(sorted(KEYS)), st.data())
def test_one_more_key_turns_nothing_that_is_settled(
    statements: list[dict[str, Any]], context: dict[str, Values], key: str, data: st.DataObject
) -> None:
    less = replace(PULL, context={name: value for name, value in context.items() if name != key})
    more = replace(less, context={**less.context, key: data.draw(st.sampled_from(KEYS[key]))})
    before, after = evaluate(policy(*statements), less), evaluate(policy(*statements), more)
    assert passes(before) in (None, passes(after))
    assert before.may_deny or not after.may_deny


@settings(max_examples=300)
@given(POLICIES, STATEMENTS, CONTEXTS, PARTLY_KNOWN)
def test_one_more_allow_never_turns_a_deny(
    statements: list[dict[str, Any]], allowing: dict[str, Any], context: dict[str, Values], caller: Caller
) -> None:
    request = replace(PULL, principal=caller, context=context)
    before = evaluate(policy(*statements), request)
    after = evaluate(policy(*statements, allowing | {"Effect": "Allow"}), request)
    assert (after.effect == "deny") == (before.effect == "deny")
    assert after.may_deny == before.may_deny
    assert before.effect != "allow" or after.effect == "allow"
    for layer in get_args(Layer):
        others: dict[Layer, Decision | None] = {
            "identity-policy": after,
            "resource-policy": replace(after, granted_to="session", may_grant_to=None),
        }
        denied = replace(before, effect="deny")
        assert combine({**others, layer: denied}, same_account=True).effect == "deny"
        assert combine({**others, layer: denied}, same_account=False).effect == "deny"


@settings(max_examples=300)
@given(POLICIES.flatmap(lambda made: st.tuples(st.just(made), st.permutations(made))), CONTEXTS, PARTLY_KNOWN)
def test_the_order_of_statements_does_not_matter(
    orders: tuple[list[dict[str, Any]], list[dict[str, Any]]], context: dict[str, Values], caller: Caller
) -> None:
    request = replace(PULL, principal=caller, context=context)
    one, other = (evaluate(policy(*each), request) for each in orders)
    assert (one.effect, one.granted_to, one.may_grant_to, one.may_deny) == (
        other.effect,
        other.granted_to,
        other.may_grant_to,
        other.may_deny,
    )
    if one.effect in ("no", "unknown"):
        assert set(one.keys) == set(other.keys)


@settings(max_examples=200)
@given(st.lists(POLICIES, max_size=3), CONTEXTS)
def test_several_policies_decide_as_one_with_all_their_statements(
    policies: list[list[dict[str, Any]]], context: dict[str, Values]
) -> None:
    request = replace(PULL, context=context)
    merged = merge([evaluate(policy(*statements), request) for statements in policies])
    whole = evaluate(policy(*(one for statements in policies for one in statements)), request)
    assert (merged.effect, merged.may_deny) == (whole.effect, whole.may_deny)
    assert (merged.granted_to, merged.may_grant_to) == (whole.granted_to, whole.may_grant_to)


DECISIONS = st.sampled_from(
    [
        None,
        Decision("allow"),
        Decision("no"),
        Decision("deny"),
        Decision("unknown", may_deny=True),
        Decision("no", may_deny=True),
        *(Decision("allow", granted_to=form) for form in ("session", "everyone", "role", "account")),
        *(Decision("unknown", may_grant_to=form) for form in ("session", "everyone", "role", "account")),
        Decision("allow", granted_to="account", may_grant_to="session"),
        Decision("unknown", granted_to="role", may_deny=True),
    ]
)


def outcomes(decision: Decision | None) -> list[Decision | None]:
    """What the decision may turn out to be."""
    if decision is None:
        return [None]
    found = [Decision("deny")] if decision.may_deny or decision.effect == "deny" else []
    if decision.effect == "no" or (decision.effect == "unknown" and decision.granted_to is None):
        found.append(Decision("no"))
    if decision.effect in ("allow", "unknown"):
        forms = {decision.granted_to, decision.may_grant_to}
        if decision.effect == "unknown" and forms == {None}:
            forms = {"session", "everyone", "role", "account"}
        found += [Decision("allow", granted_to=form) for form in sorted(forms, key=str) if form or forms == {None}]
    return list(found)


@settings(max_examples=500)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(get_args(Layer), DECISIONS)), st.booleans(), st.booleans())
def test_layers_that_are_open_never_settle_what_they_could_decide(
    given_: dict[Layer, Decision | None],
    same_account: bool,  # noqa: FBT001 - drawn by hypothesis
    key_policy: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    whole = combine(given_, same_account=same_account, key_policy=key_policy)
    required: dict[Layer, Decision | None] = {
        "identity-policy": Decision("unknown", may_deny=True),
        "resource-policy": Decision("unknown", may_deny=True),
        **given_,
    }
    ends = {
        combine(dict(zip(required, each, strict=True)), same_account=same_account, key_policy=key_policy).effect
        for each in product(*(outcomes(one) for one in required.values()))
    }
    if whole.effect in ("allow", "deny"):
        assert ends == {whole.effect}
    elif whole.effect == "no":
        assert ends <= {"no", "deny"}
    else:
        assert "unknown" in ends or len(ends) > 1
    assert whole.layer is not None
    assert whole.decision == required.get(whole.layer) or whole.layer not in given_

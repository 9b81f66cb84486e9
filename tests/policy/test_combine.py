import pytest

from pull_doctor.policy.combine import Combined, Layer, combine
from pull_doctor.policy.evaluate import Decision

ALLOW, NO, DENY, OPEN = Decision("allow"), Decision("no"), Decision("deny"), Decision("unknown", may_deny=True)
SESSION, EVERYONE, ROLE, ACCOUNT = (
    Decision("allow", granted_to="session"),
    Decision("allow", granted_to="everyone"),
    Decision("allow", granted_to="role"),
    Decision("allow", granted_to="account"),
)


def within(own: Decision | None, resource: Decision | None, **limits: Decision) -> tuple[str, Layer | None]:
    found = combine(_layers(own, resource, limits), same_account=True)
    return found.effect, found.layer


def across(own: Decision | None, resource: Decision | None, **limits: Decision) -> tuple[str, Layer | None]:
    found = combine(_layers(own, resource, limits), same_account=False)
    return found.effect, found.layer


def _layers(
    own: Decision | None, resource: Decision | None, limits: dict[str, Decision]
) -> dict[Layer, Decision | None]:
    names: dict[str, Layer] = {
        "boundary": "permissions-boundary",
        "session": "session-policy",
        "scp": "service-control-policy",
        "rcp": "resource-control-policy",
        "endpoint": "endpoint-policy",
    }
    made: dict[Layer, Decision | None] = {"identity-policy": own, "resource-policy": resource}
    return made | {names[name]: one for name, one in limits.items()}


def test_in_one_account_either_side_suffices() -> None:
    assert within(ALLOW, None) == within(ALLOW, NO) == within(ALLOW, ROLE) == ("allow", "identity-policy")
    assert within(NO, ROLE) == within(None, ROLE) == within(NO, EVERYONE) == ("allow", "resource-policy")
    assert within(NO, ACCOUNT) == within(NO, NO) == within(None, None) == ("no", "identity-policy")


def test_across_accounts_it_takes_both() -> None:
    for named in (SESSION, EVERYONE, ROLE, ACCOUNT):
        assert across(ALLOW, named) == ("allow", "identity-policy")
    assert across(NO, ROLE) == across(None, SESSION) == ("no", "identity-policy")
    assert across(ALLOW, None) == across(ALLOW, NO) == ("no", "resource-policy")
    assert across(ALLOW, SESSION, boundary=NO) == ("no", "permissions-boundary")


@pytest.mark.parametrize(
    ("resource", "expected"), [(SESSION, "allow"), (EVERYONE, "unknown"), (ROLE, "no"), (ACCOUNT, "no"), (None, "no")]
)
def test_what_a_boundary_limits(resource: Decision | None, expected: str) -> None:
    for own in (ALLOW, NO):
        assert within(own, resource, boundary=NO)[0] == within(own, resource, session=NO)[0] == expected
    assert within(ALLOW, ROLE, boundary=NO)[1] == "permissions-boundary"
    assert within(ALLOW, ROLE, session=NO)[1] == "session-policy"
    assert within(NO, ROLE, boundary=ALLOW) == ("allow", "resource-policy")
    assert within(ALLOW, None, boundary=ALLOW) == ("allow", "identity-policy")


@pytest.mark.parametrize("name", ["scp", "rcp", "endpoint"])
def test_what_limits_every_grant(name: str) -> None:
    for resource in (SESSION, EVERYONE, ROLE, None):
        assert within(ALLOW, resource, **{name: NO})[0] == across(ALLOW, resource, **{name: NO})[0] == "no"
    assert within(ALLOW, None, **{name: ALLOW})[0] == "allow"
    assert within(ALLOW, SESSION, **{name: OPEN})[0] == "unknown"


def test_a_deny_anywhere_wins() -> None:
    assert within(DENY, SESSION) == ("deny", "identity-policy")
    assert within(ALLOW, DENY) == across(ALLOW, DENY) == ("deny", "resource-policy")
    for name in ("boundary", "session", "scp", "rcp", "endpoint"):
        assert within(ALLOW, SESSION, **{name: DENY})[0] == across(ALLOW, SESSION, **{name: DENY})[0] == "deny"


def test_what_is_open_is_named() -> None:
    assert within(ALLOW, OPEN) == ("unknown", "resource-policy")
    assert within(OPEN, ROLE) == ("unknown", "identity-policy")
    assert within(NO, OPEN) == across(ALLOW, OPEN) == ("unknown", "resource-policy")
    assert across(NO, OPEN) == ("no", "identity-policy")
    assert within(ALLOW, None, boundary=OPEN) == ("unknown", "permissions-boundary")
    assert within(NO, Decision("allow", granted_to="account", may_grant_to="role")) == ("unknown", "resource-policy")
    assert within(ALLOW, Decision("no", may_deny=True)) == ("unknown", "resource-policy")
    assert within(NO, Decision("no", may_deny=True)) == ("no", "identity-policy")


def test_what_was_not_given_is_not_known_and_a_limit_is_not_there() -> None:
    assert combine({"identity-policy": ALLOW}, same_account=True).layer == "resource-policy"
    assert combine({"resource-policy": ROLE}, same_account=False).effect == "unknown"
    assert combine({"identity-policy": NO, "resource-policy": None}, same_account=True) == Combined(
        "no", "identity-policy", NO
    )


@pytest.mark.parametrize(
    ("own", "key", "expected"),
    [
        (ALLOW, NO, ("no", "resource-policy")),
        (ALLOW, ACCOUNT, ("allow", "identity-policy")),
        (NO, ACCOUNT, ("no", "identity-policy")),
        (NO, ROLE, ("allow", "resource-policy")),
        (ALLOW, OPEN, ("unknown", "resource-policy")),
    ],
)
def test_the_policy_of_a_key_must_admit_at_least_the_account(
    own: Decision, key: Decision, expected: tuple[str, Layer]
) -> None:
    found = combine({"identity-policy": own, "resource-policy": key}, same_account=True, key_policy=True)
    assert (found.effect, found.layer) == expected

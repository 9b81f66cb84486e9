"""Secrets and parameters with what is decided on reading them: fine ones, to break one part of."""

from __future__ import annotations

import json
from typing import Any

from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.injected import ValueFrom, parse_value_from
from pull_doctor.facts.values import Key, Parameter, Secret, Simulated
from pull_doctor.policy.request import Caller, Request
from pull_doctor.policy.rulings import Need, Ruling, judge, unread
from pull_doctor.policy.simulated import layers_of
from pull_doctor.policy.stored import Decryption, Stored
from tests.causes.factory import ROLE, document
from tests.network.factory import ACCOUNT, PLACE, REGION

OWNER = "999988887777"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/database-AbCdEf"
OTHER = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/cache-GhIjKl"
FOREIGN = SECRET.replace(ACCOUNT, OWNER)
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/prod/database"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
READ = "secretsmanager:GetSecretValue"
UNREAD = Unknown("it", "denied")

TO_THE_ACCOUNT = document(
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
)
"""The policy with which KMS makes a key: it leaves it to the policies of the account's roles."""

Rights = Fact[tuple[Simulated, ...] | None]


def right(action: str, decision: Any = "allowed", **more: Any) -> Rights:
    return Known((Simulated(action, decision, **more),))


MAY, MAY_NOT = right(READ), right(READ, "implicitDeny")
MAY_DECRYPT, MAY_NOT_DECRYPT = right("kms:Decrypt"), right("kms:Decrypt", "implicitDeny")


def granting(effect: str = "Allow", role: str = ROLE, action: str = READ, **more: Any) -> str:
    """A policy of the thing itself, with one statement on the role."""
    statement = {"Effect": effect, "Principal": {"AWS": role}, "Action": action, "Resource": "*"}
    return document(statement | more)


SHARED = granting()


def ruled(need: Need, rights: Rights, policy: str | Unknown | None) -> Fact[Ruling]:
    """What is decided on one need, by the simulated policies of the role and by the thing's own."""
    if isinstance(rights, Unknown):
        return rights
    verdicts = layers_of((rights.value or ())[0], ROLE, f"the permissions boundary of {ROLE}", foreign=False)
    read = (
        f"the policy of KMS key {need.resource}"
        if ":kms:" in need.resource
        else f"the resource policy of {need.resource}"
    )
    if isinstance(policy, Unknown):
        verdicts += (unread("resource-policy", read, policy),)
    elif policy is not None:
        context = {"aws:principalorgid": ("o-1",), "aws:sourcevpce": ("vpce-1",)}
        request = Request(need.action, need.resource, Caller(ROLE, bounded=False), context)
        verdicts += (judge("resource-policy", read, policy, request),)
    return Known(Ruling(need, ROLE, verdicts))


def secret(
    arn: str = SECRET,
    found: Any = None,
    rights: Rights = MAY,
    policy: str | Unknown | None = None,
    **more: Any,
) -> Stored:
    source = parse_value_from(f"{arn}:password::", PLACE)
    assert source
    return stored(source, found or Known(Secret(arn)), rights, policy, **more)


def keyed(
    rights: Rights = MAY_DECRYPT,
    policy: str | Unknown | None = TO_THE_ACCOUNT,
    state: str = "Enabled",
    arn: str = SECRET,
    key: str = KEY,
    reading: Rights = MAY,
    shared: str | Unknown | None = SHARED,
) -> Stored:
    """A secret that a customer's key encrypts; its own policy grants the reading to the role."""
    need = Decryption("kms:Decrypt", key, "prepare", key.split(":")[4], arn)
    found = Known(Secret(arn, key=key))
    return secret(
        arn, found, reading, shared, key=Known(Key(key, state, "CUSTOMER")), decrypting=ruled(need, rights, policy)
    )


def parameter(found: Any = None, rights: Rights | None = None) -> Stored:
    source = parse_value_from("/prod/database", PLACE)
    assert source
    there = Known(Parameter("/prod/database"))
    return stored(source, found or there, rights or right("ssm:GetParameters"), None)


def stored(source: ValueFrom, found: Any, rights: Rights, policy: str | Unknown | None, **more: Any) -> Stored:
    action = READ if source.kind == "secret" else "ssm:GetParameters"
    need = Need(action, source.arn, "prepare", source.place.account)
    return Stored(source, found, ruled(need, rights, policy), **more)


def statements(text: str) -> list[dict[str, Any]]:
    return list(json.loads(text)["Statement"])

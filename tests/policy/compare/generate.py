"""Requests and policies to compare two evaluators on: drawn at random from small pools, the same for the same seed.

The pools are small so that what a policy wants and what a request carries meet often. The context of a request is
complete: each key of ``KEYS`` is in it with its values, or known to be absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from pull_doctor.policy.combine import Layer
from pull_doctor.policy.request import Caller

Document = dict[str, Any]

OWN, OTHER = "111122223333", "444455556666"
TIMES = ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-06-01T12:30:00Z", "2026-01-01T01:00:00+01:00")
TEXTS = {
    "aws:SourceVpc": ("vpc-1", "vpc-2", "VPC-1"),
    "aws:SourceVpce": ("vpce-1", "vpce-2"),
    "aws:PrincipalTag/team": ("blue", "Blue", "red", "a*b", "web", "bluest"),
    "aws:PrincipalTag/part": ("red", "blue", "b?ue"),
    "aws:PrincipalOrgID": ("o-a1b2c3d4e5", "o-z9y8x7w6v5"),
    "aws:RequestedRegion": ("eu-west-1", "us-east-1"),
    "aws:ResourceAccount": (OWN, OTHER),
}
NUMBERS = {"aws:MultiFactorAuthAge": ("0", "9", "10", "10.5", "300")}
DATES = {
    "aws:CurrentTime": TIMES,
    "aws:TokenIssueTime": TIMES,
    "aws:EpochTime": ("1767225599", "1767225600", "1780317000"),
}
TRUTHS = {"aws:SecureTransport": ("true", "false"), "aws:ViaAWSService": ("true", "false")}
ADDRESSES = {
    "aws:SourceIp": ("203.0.113.9", "198.51.100.1", "2001:db8:1::7"),
    "aws:VpcSourceIp": ("10.0.3.7", "10.1.0.1"),
}
ARNS = {
    "aws:SourceArn": (f"arn:aws:ecs:eu-west-1:{OWN}:task/web/1", f"arn:aws:logs:eu-west-1:{OWN}:log-group:web"),
}
BYTES = {"aws:PrincipalTag/digest": ("QmluYXJ5", "cmluYXJ5", "T3RoZXI=")}
SETS = {
    "aws:TagKeys": ("team", "Team", "cost", "stage"),
    "aws:PrincipalOrgPaths": ("o-a1/r-1/ou-1/", "o-a1/r-1/ou-1/ou-2/", "o-a1/r-1/ou-3/"),
}
ROLES = {
    "aws:PrincipalArn": (
        f"arn:aws:iam::{OWN}:role/pull",
        f"arn:aws:iam::{OWN}:role/team/pull",
        f"arn:aws:iam::{OWN}:role/*",
    )
}
WHOSE = {"aws:PrincipalAccount": (OWN, OTHER), "aws:PrincipalType": ("AssumedRole", "User")}
"""What follows from the caller: policies ask for it, and it is in every request."""

ONES: Mapping[str, Sequence[str]] = {**TEXTS, **NUMBERS, **DATES, **TRUTHS, **ADDRESSES, **ARNS, **BYTES}
KEYS: Mapping[str, Sequence[str]] = {**ONES, **SETS}

_LIMITS: tuple[Layer, ...] = ("permissions-boundary", "session-policy", "service-control-policy")
REPOSITORY, SECRET = "arn:aws:ecr:eu-west-1:{}:repository/{}", "arn:aws:secretsmanager:eu-west-1:{}:secret:{}-AbCdEf"
KEY = "arn:aws:kms:eu-west-1:{}:key/{}"
ASKED = (
    ("ecr:BatchGetImage", REPOSITORY),
    ("ecr:GetDownloadUrlForLayer", REPOSITORY),
    ("ecr:GetAuthorizationToken", "*"),
    ("secretsmanager:GetSecretValue", SECRET),
    ("kms:Decrypt", KEY),
    ("ssm:GetParameters", "arn:aws:ssm:eu-west-1:{}:parameter/{}"),
    ("s3:GetObject", "arn:aws:s3:::{}-{}/layers/1"),
)
NAMES = ("web", "api", "Web")
ACTIONS = (
    *(action for action, _ in ASKED),
    *("ecr:*", "ECR:batch*", "ecr:*Image", "ecr:BatchGetImag?", "ecr:Get*", "secretsmanager:*", "kms:*", "kms:D?crypt"),
    *("*", "s3:*", "ecr:PutImage", "ecr:batchgetimage", "kms:decrypt", "secretsmanager:Get*Value"),
)

STRING = ("StringEquals", "StringEqualsIgnoreCase", "StringLike")
ORDERED = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
OPERATORS = (
    (TEXTS, (*STRING, "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike")),
    (NUMBERS, tuple(f"Numeric{order}" for order in ORDERED)),
    (DATES, tuple(f"Date{order}" for order in ORDERED)),
    (TRUTHS, ("Bool",)),
    (ADDRESSES, ("IpAddress", "NotIpAddress")),
    (ARNS, ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike")),
    (BYTES, ("BinaryEquals",)),
    (ROLES, ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringEquals", "StringLike")),
    (WHOSE, ("StringEquals", "StringNotEquals")),
    (SETS, (*STRING, "StringNotEquals", "StringNotLike")),
)
PATTERNS: Mapping[str, Sequence[str]] = {
    "aws:SourceVpc": ("vpc-*", "vpc-?"),
    "aws:PrincipalTag/team": ("bl*", "?ed", "a${*}b", "${aws:PrincipalTag/part}", "${aws:PrincipalTag/part, 'blue'}*"),
    "aws:PrincipalTag/part": ("${aws:PrincipalTag/team}", "b${?}ue", "r*"),
    "aws:MultiFactorAuthAge": ("10.0", "100"),
    "aws:EpochTime": TIMES,
    "aws:CurrentTime": ("1767225600", "2026-01-01"),
    "aws:SourceIp": ("203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "203.0.113.9/32"),
    "aws:VpcSourceIp": ("10.0.0.0/16", "10.0.0.0/8"),
    "aws:SourceArn": (f"arn:aws:ecs:*:{OWN}:*", "arn:aws:logs:*:*:log-group:*", "arn:aws:*:eu-west-?:*:task/*",
                      "arn:aws:ecs:*:${aws:ResourceAccount}:task/*"),
    "aws:TagKeys": ("t*",),
    "aws:PrincipalOrgPaths": ("o-a1/r-1/ou-1/*", "o-a1/*"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """One request, its complete context, and the policies of each layer; ``owner`` is the resource's account."""

    action: str
    resource: str
    owner: str
    caller: Caller
    context: Mapping[str, tuple[str, ...]]
    policies: Mapping[Layer, tuple[Document, ...]]


def samples(seed: int) -> Iterator[Sample]:
    """Draw samples without end."""
    random = Random(seed)  # noqa: S311 - the draws are no secret, they must repeat
    while True:
        yield _sample(random)


def _sample(random: Random) -> Sample:
    action, template = random.choice(ASKED)
    owner = OWN if template == "*" else random.choice((OWN, OWN, OTHER))
    resource = template.format(owner, random.choice(NAMES))
    aim = _Aim(random, action, resource)
    path = random.choice(("", "", "team/"))
    policies: dict[Layer, tuple[Document, ...]] = {
        "identity-policy": tuple(aim.document() for _ in range(random.randint(0, 2)))
    }
    if template != "*" and random.random() < 0.7:
        policies["resource-policy"] = (aim.document(principals=_principals(path)),)
    for layer in _LIMITS:
        if random.random() < 0.2:
            policies[layer] = (aim.document(broad=True),)
    if random.random() < 0.2:
        policies["endpoint-policy"] = (aim.document(principals=("*",), broad=True),)
    if random.random() < 0.1:
        policies["resource-control-policy"] = (_denial(random),)
    bounded = "permissions-boundary" in policies
    return Sample(
        action=action,
        resource=resource,
        owner=owner,
        caller=Caller(f"arn:aws:iam::{OWN}:role/{path}pull", session="task-1", bounded=bounded),
        context={key: _values(random, key) for key in KEYS},
        policies=policies,
    )


def _values(random: Random, key: str) -> tuple[str, ...]:
    if random.random() < 0.35:
        return ()
    return tuple(random.sample(KEYS[key], random.randint(1, 3 if key in SETS else 1)))


@dataclass(frozen=True, slots=True)
class _Aim:
    """Draws policies that often are about the request."""

    random: Random
    action: str
    resource: str

    def document(self, *, principals: Sequence[Any] = (), broad: bool = False) -> Document:
        """A policy; a ``broad`` one allows much, as what limits others mostly does."""
        resources = _RESOURCES if principals or broad else (*_RESOURCES, *_INCOMPLETE)
        statements = [self._statement(principals, resources) for _ in range(self.random.choice((1, 1, 2, 3)))]
        if broad and self.random.random() < 0.7:
            everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            statements.append({**everything, "Principal": "*"} if principals else everything)
        version = self.random.choice(("2012-10-17",) * 6 + ("2008-10-17",))
        return {"Version": version, "Statement": statements}

    def _statement(self, principals: Sequence[Any], resources: Sequence[str]) -> Document:
        random = self.random
        statement: Document = {"Effect": random.choice(("Allow", "Allow", "Allow", "Deny"))}
        if principals:
            negated = len(principals) > 1 and random.random() < 0.03
            drawn = random.choice(principals[2:] if negated else principals)
            statement["NotPrincipal" if negated else "Principal"] = drawn
        service = self.action.split(":")[0]
        negated = random.random() < 0.15
        statement["NotAction" if negated else "Action"] = self._some(
            ACTIONS, () if negated else (self.action, f"{service}:*")
        )
        negated = random.random() < 0.15
        statement["NotResource" if negated else "Resource"] = self._some(
            resources, () if negated else (self.resource, "*")
        )
        conditions = [_condition(random) for _ in range(random.choice((0, 0, 0, 1, 1, 2)))]
        if conditions:
            statement["Condition"] = {operator: {key: wanted} for operator, key, wanted in conditions}
        return statement

    def _some(self, pool: Sequence[str], aims: Sequence[str]) -> Any:
        return self.random.choice(aims) if aims and self.random.random() < 0.5 else _some(self.random, pool)


def _denial(random: Random) -> Document:
    """A resource control policy, which may only deny, and names everybody."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": random.choice(("kms:*", "secretsmanager:*", "s3:*"))}
    operator, key, wanted = _condition(random)
    return {
        "Version": "2012-10-17",
        "Statement": [{**statement, "Resource": "*", "Condition": {operator: {key: wanted}}}],
    }


def _condition(random: Random) -> tuple[str, str, Any]:
    pool, operators = random.choice(OPERATORS)
    key = random.choice(tuple(pool))
    if random.random() < 0.08:
        return "Null", key, random.choice(("true", "false"))
    operator = random.choice(operators) + random.choice(("", "", "", "IfExists"))
    if key in SETS or random.random() < 0.05:
        operator = random.choice(("ForAllValues:", "ForAnyValue:")) + operator
    written = random.choice((key, key, key, key.lower()))
    return operator, written, _some(random, (*pool[key], *PATTERNS.get(key, ())))


def _some(random: Random, pool: Sequence[str]) -> Any:
    count = random.choice((1, 1, 1, 2, 3))
    drawn = random.sample(pool, min(count, len(pool)))
    return drawn[0] if count == 1 else drawn


_RESOURCES = (
    *("*", "*", "arn:aws:ecr:*:*:repository/*", "arn:aws:kms:*:*:key/*", "arn:aws:secretsmanager:*:*:secret:*"),
    *(REPOSITORY.format(OWN, name) for name in (*NAMES, "w*", "we?", "*b", "${aws:PrincipalTag/team}")),
    *(REPOSITORY.format("*", name) for name in ("web", "${aws:PrincipalTag/team, 'web'}", "${aws:PrincipalTag/part}*")),
    *(SECRET.format(OWN, name) for name in ("web", "*")),
    f"arn:aws:secretsmanager:eu-west-1:{OWN}:secret:web-??????",
    *(KEY.format(account, name) for account in (OWN, OTHER) for name in NAMES),
    *(
        "arn:aws:ecr:*",
        "arn:aws:ecr:eu-*:*:repository/w*",
        f"arn:aws:s3:::{OWN}-*/layers/*",
        "arn:aws:ssm:*:*:parameter/w*",
    ),
)


_INCOMPLETE = ("arn:aws:ecr", "arn:aws:kms:eu-west-1", "arn:aws:s3")
"""Only in the role's own policies: elsewhere what AWS makes of them is not documented, or they are refused."""


def _principals(path: str) -> Sequence[Any]:
    role, session = f"arn:aws:iam::{OWN}:role/{path}pull", f"arn:aws:sts::{OWN}:assumed-role/pull/task-1"
    return (
        *("*", {"AWS": "*"}, {"AWS": OWN}, {"AWS": f"arn:aws:iam::{OWN}:root"}, {"AWS": OTHER}),
        *({"AWS": role}, {"AWS": role}, {"AWS": f"{role}er"}, {"AWS": session}, {"AWS": f"{session}0"}),
        *({"AWS": [OWN, role]}, {"AWS": [role, session]}, {"AWS": [OTHER, session]}, {"AWS": [OWN, role, session]}),
        *({"AWS": f"arn:aws:iam::{OWN}:user/pull"}, {"Service": "ecs-tasks.amazonaws.com"}),
        {"Service": "ecs-tasks.amazonaws.com", "AWS": OWN},
        {"Federated": f"arn:aws:iam::{OWN}:saml-provider/corp"},
    )

"""Defects of conditions on the way: a policy names a VPC or an endpoint, and the pull comes by another."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import (
    READ,
    SIGN_IN,
    allow,
    deny,
    put_repository_policy,
    put_role_policy,
    registry,
    repository_arn,
    repository_name,
    take_managed_policy,
)
from tests.worlds.secret_defects import inject, secret

_ENDPOINT = "vpce-0aaaabbbbccccdddd"
_VPC = "vpc-0aaaabbbbccccdddd"
"""Of another VPC."""

_TO_THE_ENDPOINT = frozenset(
    {
        "ecs:DescribeTaskDefinition",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeVpcEndpoints",
    }
)
_BY_THE_ENDPOINT = _TO_THE_ENDPOINT | {
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "route53:ListHostedZonesByVPC",
}
_BY_NAT = (_BY_THE_ENDPOINT - {"ec2:DescribeVpcs", "ec2:DescribeDhcpOptions"}) | {
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
}
_OF_THE_ROLE = frozenset(
    {
        "iam:GetRole",
        "iam:ListRolePolicies",
        "iam:ListAttachedRolePolicies",
        "iam:GetRolePolicy",
        "ecr:GetRepositoryPolicy",
        "ecr:GetRegistryPolicy",
    }
)


def _role_names_an_endpoint(parts: Healthy) -> Broken:
    """The role reads the repository by one endpoint alone, as AWS's page on execution roles shows it."""
    assert parts.role
    take_managed_policy(parts)
    by_endpoint = {"StringEquals": {"aws:SourceVpce": _ENDPOINT}}
    read = allow(READ, repository_arn(parts), Sid="ByEndpoint", Condition=by_endpoint)
    put_role_policy(parts, "pull", allow(SIGN_IN), read)

    def mend() -> None:
        put_role_policy(parts, "pull", allow(SIGN_IN), allow(READ, repository_arn(parts)))

    return Broken((parts.role, _ENDPOINT), texts.forbidden(parts.image), mend)


def _repository_names_a_vpc(parts: Healthy) -> Broken:
    """The repository denies whatever does not come from its VPC; a NAT gateway's packets carry none."""
    outside = {"StringNotEquals": {"aws:SourceVpc": parts.builder.vpc}}
    put_repository_policy(parts, deny("ecr:BatchGetImage", None, Sid="OurVpc", Principal="*", Condition=outside))

    def mend() -> None:
        registry(parts).delete_repository_policy(repositoryName=repository_name(parts))

    return Broken((repository_name(parts), parts.builder.vpc), texts.forbidden(parts.image), mend)


def _secret_names_an_endpoint(parts: Healthy) -> Broken:
    """The role reads the secret by one endpoint alone, and the VPC's own is another."""
    assert parts.role
    parts.builder.interface_endpoint("secretsmanager", parts.subnet, parts.endpoints.group)
    arn = secret(parts)
    inject(parts, arn)
    by_endpoint = {"StringEquals": {"aws:SourceVpce": _ENDPOINT}}
    put_role_policy(parts, "secrets", allow("secretsmanager:GetSecretValue", arn, Condition=by_endpoint))

    def mend() -> None:
        put_role_policy(parts, "secrets", allow("secretsmanager:GetSecretValue", arn))

    return Broken((parts.role, arn, _ENDPOINT), texts.secret_cut_short(), mend)


def sign_in_by_the_endpoint(parts: Healthy) -> Broken:
    """The role signs in by the VPC's own endpoint: before platform version 1.4.0 the sign-in does not come that way."""
    assert parts.role
    take_managed_policy(parts)
    by_endpoint = {"StringEquals": {"aws:SourceVpce": parts.endpoint_ids["ecr.api"]}}
    put_role_policy(parts, "pull", allow(SIGN_IN, Condition=by_endpoint), allow(READ, repository_arn(parts)))

    def mend() -> None:
        put_role_policy(parts, "pull", allow(SIGN_IN), allow(READ, repository_arn(parts)))

    return Broken((parts.role,), texts.sign_in_denied(), mend)


def _endpoint_names_a_vpc(key: str, value: str) -> Callable[[Healthy], Broken]:
    def breaks(parts: Healthy) -> Broken:
        endpoint = parts.endpoint_ids["ecr.dkr"]
        everything = allow("*", Principal="*")

        def put(**condition: dict[str, dict[str, str]]) -> None:
            written = {"Version": "2012-10-17", "Statement": [everything | condition]}
            parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=json.dumps(written))

        put(Condition={"StringEquals": {key: value}})
        return Broken((endpoint, value), texts.forbidden(parts.image), put)

    return breaks


_CAUSE = "source-condition-mismatch"

DEFECTS: dict[str, Defect] = {
    "role-names-another-endpoint": Defect(
        _CAUSE, _role_names_an_endpoint, "endpoints", rests_on=_BY_THE_ENDPOINT | _OF_THE_ROLE
    ),
    "role-names-an-endpoint-behind-nat": Defect(
        _CAUSE, _role_names_an_endpoint, "nat", rests_on=_BY_NAT | _OF_THE_ROLE
    ),
    "secret-names-another-endpoint": Defect(
        _CAUSE,
        _secret_names_an_endpoint,
        "endpoints",
        rests_on=_BY_THE_ENDPOINT
        | {"iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:GetRolePolicy"}
        | {"iam:GetPolicy", "iam:GetPolicyVersion", "secretsmanager:GetResourcePolicy"},
    ),
    "repository-names-the-vpc-behind-nat": Defect(
        _CAUSE, _repository_names_a_vpc, "nat", rests_on=_BY_NAT | {"ecr:GetRepositoryPolicy"}
    ),
    "endpoint-names-another-vpc": Defect(
        _CAUSE, _endpoint_names_a_vpc("aws:SourceVpc", _VPC), "endpoints", rests_on=_TO_THE_ENDPOINT
    ),
    "endpoint-names-another-endpoint": Defect(
        _CAUSE, _endpoint_names_a_vpc("aws:SourceVpce", _ENDPOINT), "endpoints", rests_on=_TO_THE_ENDPOINT
    ),
}

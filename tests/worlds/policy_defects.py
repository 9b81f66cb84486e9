"""Defects of endpoint policies: the endpoint is there and answers, and its policy does not let the request pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

Text = Callable[[Healthy], str]

_EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
_TO_ECR = frozenset(
    {
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeVpcEndpoints",
    }
)
_TO_S3 = frozenset({"ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"})


def _policy(
    service: str, statements: Callable[[Healthy], list[dict[str, Any]]], text: Text, neutral: Text | None = None
) -> Callable[[Healthy], Broken]:
    """Give the endpoint of a service this policy; mended, it has the default one again."""

    def breaks(parts: Healthy) -> Broken:
        endpoint = parts.endpoint_ids[service]

        def put(*chosen: dict[str, Any]) -> None:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(chosen)}, indent=2)
            parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=document)

        put(*statements(parts))
        return Broken((endpoint,), text(parts), lambda: put(_EVERYTHING), neutral(parts) if neutral else None)

    return breaks


def _only_another_role(parts: Healthy) -> list[dict[str, Any]]:
    """A policy of the kind that AWS's page shows, for the role of another workload."""
    other = f"arn:aws:iam::{parts.builder.account}:role/payments-execution"
    return [
        {
            "Sid": "PaymentsOnly",
            "Effect": "Allow",
            "Principal": {"AWS": other},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": "*",
        }
    ]


def _only_repositories(_: Healthy) -> list[dict[str, Any]]:
    """Signing in is asked of ``*``, which no repository's ARN is."""
    return [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/*"}]


def _denies_layers(parts: Healthy) -> list[dict[str, Any]]:
    deny = {"Sid": "NoLayers", "Effect": "Deny", "Principal": {"AWS": parts.role}, "Action": "ecr:GetDownload*"}
    return [_EVERYTHING, deny | {"Resource": "*"}]


def _only_own_bucket(_: Healthy) -> list[dict[str, Any]]:
    return [
        {
            "Sid": "OwnBuckets",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::acme-artifacts", "arn:aws:s3:::acme-artifacts/*"],
        }
    ]


def _only_own_account(key: str) -> Callable[[Healthy], list[dict[str, Any]]]:
    return lambda parts: [_EVERYTHING | {"Condition": {"StringEquals": {key: parts.builder.account}}}]


def _endpoint_denied(action: str) -> Text:
    return lambda parts: texts.endpoint_denied(parts.image, parts.role or "", action)


def _forbidden(parts: Healthy) -> str:
    return texts.forbidden(parts.image)


def _layers_forbidden(parts: Healthy) -> str:
    return texts.layers_forbidden(parts.image)


DEFECTS = {
    "dkr-endpoint-policy": Defect(
        "endpoint-policy-denies",
        _policy("ecr.dkr", _only_another_role, _forbidden),
        "endpoints",
        rests_on=_TO_ECR | {"ecs:DescribeTaskDefinition"},
    ),
    "dkr-endpoint-policy-told": Defect(
        "endpoint-policy-denies",
        _policy("ecr.dkr", _only_another_role, _endpoint_denied("ecr:BatchGetImage"), _forbidden),
        "endpoints",
        text_proves=True,
    ),
    "dkr-endpoint-policy-layers": Defect(
        "endpoint-policy-denies",
        _policy("ecr.dkr", _denies_layers, _layers_forbidden),
        "endpoints",
        rests_on=_TO_ECR | {"ecs:DescribeTaskDefinition"},
    ),
    "api-endpoint-policy": Defect(
        "endpoint-policy-denies",
        _policy(
            "ecr.api",
            _only_repositories,
            _endpoint_denied("ecr:GetAuthorizationToken"),
            lambda _: texts.sign_in_denied(),
        ),
        "endpoints",
        text_proves=True,
    ),
    "s3-endpoint-policy": Defect(
        "s3-endpoint-policy-denies", _policy("s3", _only_own_bucket, _layers_forbidden), "endpoints", rests_on=_TO_S3
    ),
    "s3-endpoint-policy-own-resources": Defect(
        "s3-endpoint-policy-denies",
        _policy("s3", _only_own_account("aws:ResourceAccount"), _layers_forbidden),
        "endpoints",
        rests_on=_TO_S3,
    ),
    "s3-endpoint-policy-own-callers": Defect(
        "s3-endpoint-policy-denies",
        _policy("s3", _only_own_account("aws:PrincipalAccount"), _layers_forbidden),
        "endpoints",
        certainty="likely",
        rests_on=_TO_S3,
    ),
}

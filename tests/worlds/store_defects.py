"""Defects of the way to Secrets Manager and Systems Manager, without whose values the start never gets to the pull."""

from __future__ import annotations

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

_DEFINITION = "ecs:DescribeTaskDefinition"
_WAY = frozenset({_DEFINITION, "ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"})
_BY_GROUP = frozenset({_DEFINITION, "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints", "ec2:DescribeSecurityGroups"})


def inject_a_secret(parts: Healthy) -> str:
    """Let the container inject a secret that the role may read; the secret's ARN."""
    arn = _secret(parts)
    parts.container["secrets"] = [{"name": "DATABASE_PASSWORD", "valueFrom": arn}]
    return arn


def _secret(parts: Healthy) -> str:
    """A secret that the role may read."""
    builder = parts.builder
    made = builder.client("secretsmanager").create_secret(Name=f"{builder.workload}/database", SecretString="planted")
    assert parts.role
    builder.grant(parts.role.rsplit("/", 1)[-1], "secrets", ["secretsmanager:GetSecretValue"])
    arn: str = made["ARN"]
    return arn


def _closed_endpoint(parts: Healthy) -> tuple[str, str, str]:
    """An endpoint for Secrets Manager whose group lets nobody in: its id, its group, and its interface's address."""
    builder = parts.builder
    group = builder.group("secrets-endpoint")
    address = builder.interface_endpoint("secretsmanager", parts.subnet, group)
    service = [{"Name": "vpc-id", "Values": [builder.vpc]}]
    found = parts.ec2.describe_vpc_endpoints(Filters=service)["VpcEndpoints"]
    endpoint = next(one["VpcEndpointId"] for one in found if one["ServiceName"].endswith(".secretsmanager"))
    return endpoint, group, address


def _no_secrets_manager(parts: Healthy) -> Broken:
    arn = inject_a_secret(parts)

    def mend() -> None:
        parts.builder.interface_endpoint("secretsmanager", parts.subnet, parts.endpoints.group)

    return Broken((parts.table,), texts.secret_out_of_reach(arn), mend)


def _no_systems_manager(parts: Healthy) -> Broken:
    ssm, name = parts.builder.client("ssm"), f"/{parts.builder.workload}/database"
    ssm.put_parameter(Name=name, Type="String", Value="planted")
    assert parts.role
    parts.builder.grant(parts.role.rsplit("/", 1)[-1], "parameters", ["ssm:GetParameters"])
    parts.container["secrets"] = [{"name": "DATABASE_PASSWORD", "valueFrom": name}]

    def mend() -> None:
        parts.builder.interface_endpoint("ssm", parts.subnet, parts.endpoints.group)

    return Broken((parts.table,), texts.parameters_out_of_reach(), mend)


def _group_of_the_endpoint_closed(parts: Healthy) -> Broken:
    arn = inject_a_secret(parts)
    endpoint, group, address = _closed_endpoint(parts)

    def mend() -> None:
        parts.builder.allow_https(group, parts.builder.task_group)

    return Broken((endpoint, group), texts.secret_out_of_reach(arn, address), mend)


def _registry_credentials(parts: Healthy) -> Broken:
    """Docker Hub is reached by the NAT gateway; its credentials are behind an endpoint that no NAT gateway bypasses."""
    arn = _secret(parts)
    parts.container["repositoryCredentials"] = {"credentialsParameter": arn}
    endpoint, group, address = _closed_endpoint(parts)

    def mend() -> None:
        parts.builder.allow_https(group, parts.builder.task_group)

    return Broken((endpoint, group), texts.secret_out_of_reach(arn, address), mend)


_CAUSE = "secret-store-unreachable"

DEFECTS: dict[str, Defect] = {
    "no-way-to-secrets-manager": Defect(_CAUSE, _no_secrets_manager, "endpoints", rests_on=_WAY),
    "no-way-to-systems-manager": Defect(_CAUSE, _no_systems_manager, "endpoints", rests_on=_WAY),
    "secrets-endpoint-group-closed": Defect(_CAUSE, _group_of_the_endpoint_closed, "endpoints", rests_on=_BY_GROUP),
    "registry-credentials-behind-an-endpoint": Defect(
        _CAUSE, _registry_credentials, "nat", "docker-hub", rests_on=_BY_GROUP
    ),
}

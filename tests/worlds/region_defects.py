"""Defects of a pull from ECR in another Region, by that Region's endpoints: an endpoint serves the names of one Region.

A gateway endpoint for S3 serves its own Region alone; interface endpoints can be for a service of another Region.
https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-cross-region-privatelink-support.html
"""

from __future__ import annotations

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.world import Endpoints

THERE = "us-east-1"
_S3_THERE = "16.182.34.9"
"""An address of S3 in that Region, which is not in the emulator's S3 prefix list."""
_SEEN = frozenset({"ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints"})
_WAY = _SEEN | {"ec2:DescribeRouteTables"}


def image_of_another_region(parts: Healthy) -> None:
    """Let the service ask for an image of another Region."""
    builder = parts.builder
    host = builder.image(f"team/{builder.workload}", ["1.42.0"], builder.account, THERE)
    parts.image = f"{host}:1.42.0"


def endpoints_of_another_region(parts: Healthy, group: str, *services: str) -> Endpoints:
    """Endpoints for the services of that Region, with a group of their own."""
    add = parts.builder.interface_endpoint
    addresses = {service: add(service, parts.subnet, group, THERE) for service in services}
    return Endpoints(group, addresses.get("ecr.api", ""), addresses.get("ecr.dkr", ""))


def _group_closed(parts: Healthy) -> Broken:
    image_of_another_region(parts)
    group = parts.builder.group("endpoints-of-another-region")
    there = endpoints_of_another_region(parts, group, "ecr.api", "ecr.dkr", "s3")

    def mend() -> None:
        parts.builder.allow_https(group, "10.0.0.0/16")

    return Broken((group,), texts.timeout(parts.image, "1.4.0", there.api, there.dkr), mend)


def _own_region_alone(parts: Healthy) -> Broken:
    """The endpoints that the VPC has for ECR do not have the names of the other Region."""
    image_of_another_region(parts)

    def mend() -> None:
        endpoints_of_another_region(parts, parts.endpoints.group, "ecr.api", "ecr.dkr", "s3")

    return Broken((parts.endpoint_ids["ecr.api"], parts.table), texts.timeout(parts.image, "1.4.0"), mend)


def _layers_without_a_way(parts: Healthy) -> Broken:
    """The gateway endpoint for S3 that the table leads to is of no use for the other Region's layers."""
    image_of_another_region(parts)
    endpoints_of_another_region(parts, parts.endpoints.group, "ecr.api", "ecr.dkr")

    def mend() -> None:
        endpoints_of_another_region(parts, parts.endpoints.group, "s3")

    return Broken((parts.table,), texts.layers_timeout(parts.image, address=_S3_THERE), mend)


DEFECTS: dict[str, Defect] = {
    "endpoint-group-of-another-region": Defect(
        "endpoint-security-group-blocks",
        _group_closed,
        "endpoints",
        rests_on=_SEEN | {"ec2:DescribeSecurityGroups"},
    ),
    "image-of-another-region": Defect(
        "endpoint-lacks-name", _own_region_alone, "endpoints", rests_on=_WAY | {"route53:ListHostedZonesByVPC"}
    ),
    "layers-of-another-region": Defect("s3-endpoint-missing", _layers_without_a_way, "endpoints", rests_on=_WAY),
}

"""The first six defects in their plainest form, to stand beside others; ``worlds.py`` has them in richer accounts."""

from __future__ import annotations

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

_PULL_WITHOUT_IMAGE = ["ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"]
_WAY = frozenset({"ec2:DescribeSubnets", "ec2:DescribeRouteTables"})


def _route_removed(parts: Healthy) -> Broken:
    everywhere = {"RouteTableId": parts.table, "DestinationCidrBlock": "0.0.0.0/0"}

    def mend() -> None:
        parts.ec2.create_route(**everywhere, NatGatewayId=parts.nat)

    parts.ec2.delete_route(**everywhere)
    return Broken((parts.table,), texts.timeout(parts.image, parts.options.platform_version), mend)


def _no_public_ip(parts: Healthy) -> Broken:
    parts.public_ip = False

    def mend() -> None:
        network = {"subnets": [parts.subnet], "securityGroups": [parts.builder.task_group], "assignPublicIp": "ENABLED"}
        parts.builder.client("ecs").update_service(
            cluster="prod", service=parts.builder.workload, networkConfiguration={"awsvpcConfiguration": network}
        )

    return Broken((parts.subnet,), texts.timeout(parts.image, parts.options.platform_version), mend)


def _s3_endpoint_removed(parts: Healthy) -> Broken:
    parts.ec2.delete_vpc_endpoints(VpcEndpointIds=[parts.endpoint_ids["s3"]])

    def mend() -> None:
        parts.builder.s3_endpoint(parts.table)

    return Broken((parts.table,), texts.layers_timeout(parts.image, parts.options.platform_version), mend)


def _endpoint_group_closed(parts: Healthy) -> Broken:
    group = parts.endpoints.group
    rules = parts.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    parts.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules)

    def mend() -> None:
        parts.builder.allow_https(group, parts.builder.task_group)

    text = texts.timeout(parts.image, parts.options.platform_version, parts.endpoints.api, parts.endpoints.dkr)
    return Broken((group,), text, mend)


def _role_without_image(parts: Healthy) -> Broken:
    iam, role = parts.builder.client("iam"), parts.role or ""
    name = role.rsplit("/", 1)[-1]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    for policy in attached:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    parts.builder.grant(name, "pull", _PULL_WITHOUT_IMAGE)

    def mend() -> None:
        parts.builder.grant(name, "pull", [*_PULL_WITHOUT_IMAGE, "ecr:BatchGetImage"])

    return Broken((role,), texts.forbidden(parts.image), mend)


def _tag_not_pushed(parts: Healthy) -> Broken:
    pushed = parts.image
    host, _, path = pushed.partition("/")
    repository = path.rpartition(":")[0]
    parts.image = f"{pushed.rpartition(':')[0]}:2.0.0-rc1"

    def mend() -> None:
        account, region = host.split(".")[0], host.split(".")[3]
        ecr = parts.builder.aws.client("ecr", account=account, region=region)
        known = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "1.42.0"}])["images"][0]
        ecr.put_image(
            repositoryName=repository,
            imageTag="2.0.0-rc1",
            imageManifest=known["imageManifest"],
            imageDigest=known["imageId"]["imageDigest"],
        )

    return Broken((repository,), texts.not_found(parts.image), mend, texts.cut_short(parts.image))


DEFECTS = {
    "route-removed": Defect(
        "no-route-to-registry", _route_removed, "nat", rests_on=_WAY | {"ec2:DescribeVpcEndpoints"}
    ),
    "no-public-ip": Defect(
        "no-public-ip",
        _no_public_ip,
        "public",
        relaunch=True,
        rests_on=_WAY | {"ec2:DescribeVpcEndpoints", "ecs:DescribeServices"},
    ),
    "s3-endpoint-removed": Defect(
        "s3-endpoint-missing", _s3_endpoint_removed, "endpoints", rests_on=_WAY | {"ec2:DescribeVpcEndpoints"}
    ),
    "endpoint-group-closed": Defect(
        "endpoint-security-group-blocks",
        _endpoint_group_closed,
        "endpoints",
        rests_on=frozenset({"ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints", "ec2:DescribeSecurityGroups"}),
    ),
    "role-without-image": Defect(
        "pull-permission-denied",
        _role_without_image,
        rests_on=frozenset({"ecs:DescribeTaskDefinition", "ecr:GetRepositoryPolicy", "ecr:GetRegistryPolicy"}),
    ),
    "tag-not-pushed": Defect(
        "image-not-found", _tag_not_pushed, text_proves=True, rests_on=frozenset({"ecr:DescribeImages"})
    ),
}

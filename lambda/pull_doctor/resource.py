"""AWS resources as reports name them: type, id, ARN, and console page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resource lives: partition (``aws``, ``aws-cn``...), account id, and Region."""

    partition: str
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One AWS resource; ``type`` is CloudFormation's (``AWS::EC2::Subnet``).

    ``arn`` and ``console_url`` are ``None`` where none can be built from what is known.
    """

    type: str
    id: str
    arn: str | None = None
    console_url: str | None = None


def make(place: Place, kind: str, name: str) -> Resource:
    """Name the resource of CloudFormation type ``kind`` whose id, name, or ARN is ``name``.

    ``place`` is where the resource lives; an ECR repository's account is its registry's. ``AWS::ECS::Service`` and
    ``AWS::ECS::Task`` (which CloudFormation does not have) are named ``cluster/name``. An unknown type, and a name from
    which no ARN or page follows, have none. The ARN forms:
    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    The console's addresses are as seen; AWS does not document them.
    """
    if name.startswith("arn:"):
        return Resource(kind, name, name, _console_url(place, kind, _name_of(kind, name)))
    form = _ARNS.get(kind)
    arn = form.format(p=place.partition, r=place.region, a=place.account, name=name) if form else None
    return Resource(kind, name, arn, _console_url(place, kind, name))


def _name_of(kind: str, arn: str) -> str:
    """Return the name within an ARN: ``cluster/name`` of a service, the bare name of a secret."""
    last = arn.split(":", 5)[-1]
    if kind == "AWS::SecretsManager::Secret":
        # A secret's ARN ends in a hyphen and six random characters that are not part of its name.
        return last.removeprefix("secret:")[:-7]
    return last.partition("/")[2]


def _console_url(place: Place, kind: str, name: str) -> str | None:
    host = _CONSOLE_HOSTS.get(place.partition)
    page = _PAGES.get(kind)
    if not (host and page and name):
        return None
    if kind == "AWS::IAM::Role":
        # IAM's console is global and knows a role by its name without the path.
        return f"https://{host}/iam/home#/roles/details/{quote(name.rpartition('/')[2], safe='')}"
    separator = _TWO_PART_NAMES.get(kind)
    first, found, second = name.rpartition(separator) if separator else ("", "-", "")
    if not (found and (first or not separator)):
        return None
    values = {"name": name, "first": first, "second": second, "a": place.account, "r": place.region}
    return f"https://{quote(place.region, safe='')}.{host}" + page.format_map(
        {key: quote(value, safe="") for key, value in values.items()}
    )


_CONSOLE_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_EC2_ARNS = {
    "Instance": "instance",
    "InternetGateway": "internet-gateway",
    "NatGateway": "natgateway",
    "NetworkAcl": "network-acl",
    "NetworkInterface": "network-interface",
    "RouteTable": "route-table",
    "SecurityGroup": "security-group",
    "Subnet": "subnet",
    "TransitGateway": "transit-gateway",
    "VPC": "vpc",
    "VPCEndpoint": "vpc-endpoint",
    "VPCPeeringConnection": "vpc-peering-connection",
}
_ARNS = {
    **{f"AWS::EC2::{kind}": f"arn:{{p}}:ec2:{{r}}:{{a}}:{word}/{{name}}" for kind, word in _EC2_ARNS.items()},
    "AWS::ECR::Repository": "arn:{p}:ecr:{r}:{a}:repository/{name}",
    "AWS::ECS::Cluster": "arn:{p}:ecs:{r}:{a}:cluster/{name}",
    "AWS::ECS::Service": "arn:{p}:ecs:{r}:{a}:service/{name}",
    "AWS::ECS::Task": "arn:{p}:ecs:{r}:{a}:task/{name}",
    "AWS::ECS::TaskDefinition": "arn:{p}:ecs:{r}:{a}:task-definition/{name}",
    "AWS::IAM::Role": "arn:{p}:iam::{a}:role/{name}",
    "AWS::KMS::Key": "arn:{p}:kms:{r}:{a}:key/{name}",
}
_TWO_PART_NAMES = {"AWS::ECS::Service": "/", "AWS::ECS::Task": "/", "AWS::ECS::TaskDefinition": ":"}
_PAGES = {
    "AWS::EC2::InternetGateway": "/vpcconsole/home?region={r}#InternetGateway:internetGatewayId={name}",
    "AWS::EC2::NatGateway": "/vpcconsole/home?region={r}#NatGatewayDetails:natGatewayId={name}",
    "AWS::EC2::NetworkAcl": "/vpcconsole/home?region={r}#NetworkAclDetails:networkAclId={name}",
    "AWS::EC2::NetworkInterface": "/ec2/home?region={r}#NetworkInterface:networkInterfaceId={name}",
    "AWS::EC2::RouteTable": "/vpcconsole/home?region={r}#RouteTableDetails:RouteTableId={name}",
    "AWS::EC2::SecurityGroup": "/ec2/home?region={r}#SecurityGroup:groupId={name}",
    "AWS::EC2::Subnet": "/vpcconsole/home?region={r}#SubnetDetails:subnetId={name}",
    "AWS::EC2::VPC": "/vpcconsole/home?region={r}#VpcDetails:VpcId={name}",
    "AWS::EC2::VPCEndpoint": "/vpcconsole/home?region={r}#EndpointDetails:vpcEndpointId={name}",
    "AWS::ECR::Repository": "/ecr/repositories/private/{a}/{name}?region={r}",
    "AWS::ECS::Cluster": "/ecs/v2/clusters/{name}/services?region={r}",
    "AWS::ECS::Service": "/ecs/v2/clusters/{first}/services/{second}/health?region={r}",
    "AWS::ECS::Task": "/ecs/v2/clusters/{first}/tasks/{second}/configuration?region={r}",
    "AWS::ECS::TaskDefinition": "/ecs/v2/task-definitions/{first}/{second}/containers?region={r}",
    "AWS::IAM::Role": "/iam/home",
    "AWS::SecretsManager::Secret": "/secretsmanager/secret?name={name}&region={r}",
}

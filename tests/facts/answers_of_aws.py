"""One full answer of AWS for every question, with the value that the diagnosis makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, AwsError

PLANTED = "planted-marker-AKIAIOSFODNN7"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOON_IN_SEOUL = NOON.astimezone(timezone(timedelta(hours=9)))
DIGEST = "sha256:" + "a" * 64
TASK_DEFINITION = f"arn:aws:ecs:{REGION}:{OWN_ACCOUNT}:task-definition/web:7"
TASKS = tuple(f"arn:aws:ecs:{REGION}:{OWN_ACCOUNT}:task/prod/{n}" for n in (1, 2))
ROLE = f"arn:aws:iam::{OWN_ACCOUNT}:role/pull"
REPOSITORY = f"arn:aws:ecr:{REGION}:{OWN_ACCOUNT}:repository/web"
_HERE = (OWN_ACCOUNT, REGION)


@dataclass(frozen=True)
class Case:
    """A question, the operation that answers it, the pages of the answer, and what is made of them.

    ``token`` is the member that asks for the next page. ``gone`` are errors that mean absence, ``absent`` what is
    then known.
    """

    question: q.Question[Any]
    operation: str
    pages: Sequence[dict[str, Any]]
    value: Any
    token: str | None = None
    gone: tuple[AwsError, ...] = ()
    absent: Any = None
    first: str | None = None
    """The operation that is called before, where there is one; ``VpcEndpoints``' own answer serves it."""


SUBNET = {
    "SubnetId": "subnet-1",
    "VpcId": "vpc-1",
    "AvailabilityZone": "eu-west-1a",
    "CidrBlock": "10.0.0.0/24",
    "OwnerId": OWN_ACCOUNT,
}
SUBNET_VALUE = v.Subnet("subnet-1", "vpc-1", "eu-west-1a", "10.0.0.0/24", OWN_ACCOUNT)
INTERFACE = {
    "NetworkInterfaceId": "eni-1",
    "VpcId": "vpc-1",
    "SubnetId": "subnet-1",
    "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
    "PrivateIpAddress": "10.0.0.9",
    "Association": {"PublicIp": "198.51.100.9"},
}
INTERFACE_VALUE = v.NetworkInterface("eni-1", "subnet-1", ("sg-1",), "10.0.0.9", "198.51.100.9")
ENDPOINT = {
    "VpcEndpointId": "vpce-1",
    "VpcEndpointType": "Interface",
    "VpcId": "vpc-1",
    "ServiceName": "com.amazonaws.eu-west-1.s3",
    "ServiceRegion": "eu-west-1",
    "State": "Available",
    "SubnetIds": ["subnet-1"],
    "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
    "NetworkInterfaceIds": ["eni-1"],
    "PrivateDnsEnabled": True,
    "DnsOptions": {"PrivateDnsOnlyForInboundResolverEndpoint": True},
    "DnsEntries": [{"DnsName": "vpce-1.s3.eu-west-1.vpce.amazonaws.com"}, {"DnsName": "s3.eu-west-1.amazonaws.com"}],
    "Tags": [{"Key": "ManagedBy", "Value": "Terraform"}, {"Key": "Workspace", "Value": "network"}],
}
GATEWAY_ENDPOINT = {
    "VpcEndpointId": "vpce-2",
    "VpcEndpointType": "Gateway",
    "VpcId": "vpc-1",
    "ServiceName": "com.amazonaws.eu-west-1.s3",
    "State": "available",
    "RouteTableIds": ["rtb-1"],
    "PrivateDnsEnabled": False,
}


def _simulated(action: str, **members: Any) -> dict[str, Any]:
    return {"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": "implicitDeny", **members}


CASES = (
    Case(
        q.OneSubnet(*_HERE, "subnet-1"),
        "DescribeSubnets",
        [{"Subnets": [SUBNET]}],
        SUBNET_VALUE,
        gone=(AwsError("InvalidSubnetID.NotFound"),),
    ),
    Case(
        q.OneInterface(*_HERE, "eni-1"),
        "DescribeNetworkInterfaces",
        [{"NetworkInterfaces": [INTERFACE]}],
        INTERFACE_VALUE,
        gone=(AwsError("InvalidNetworkInterfaceID.NotFound"),),
    ),
    Case(
        q.Subnets(*_HERE, "vpc-1"),
        "DescribeSubnets",
        [
            {"Subnets": [SUBNET]},
            {"Subnets": [{"SubnetId": "subnet-2", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1b"}]},
        ],
        (SUBNET_VALUE, v.Subnet("subnet-2", "vpc-1", "eu-west-1b", None)),
        token="NextToken",
    ),
    Case(
        q.RouteTables(*_HERE, "vpc-1"),
        "DescribeRouteTables",
        [
            {
                "RouteTables": [
                    {
                        "RouteTableId": "rtb-1",
                        "Associations": [
                            {"Main": True, "AssociationState": {"State": "associated"}},
                            {"Main": False, "SubnetId": "subnet-1"},
                            {"Main": False, "SubnetId": "subnet-2", "AssociationState": {"State": "disassociated"}},
                            {"Main": False, "GatewayId": "igw-1", "AssociationState": {"State": "associated"}},
                        ],
                        "Routes": [
                            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
                            {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-2", "State": "active"},
                            {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole"},
                            {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"},
                            {
                                "DestinationCidrBlock": "10.9.0.0/16",
                                "CoreNetworkArn": "arn:aws:networkmanager::1:core-network/c",
                            },
                        ],
                        "Tags": [{"Key": "aws:cloudformation:stack-name", "Value": "net"}],
                    }
                ]
            },
            {"RouteTables": [{"RouteTableId": "rtb-2", "Associations": [], "Routes": []}]},
        ],
        (
            v.RouteTable(
                "rtb-1",
                main=True,
                subnets=("subnet-1",),
                routes=(
                    v.Route("10.0.0.0/16", "local", "active"),
                    v.Route("pl-1", "vpce-2", "active"),
                    v.Route("0.0.0.0/0", "nat-1", "blackhole"),
                    v.Route("::/0", "eigw-1", "active"),
                    v.Route("10.9.0.0/16", "arn:aws:networkmanager::1:core-network/c", "active"),
                ),
                managed_by="CloudFormation stack net",
            ),
            v.RouteTable("rtb-2", main=False, subnets=(), routes=()),
        ),
        token="NextToken",
    ),
    Case(
        q.NetworkAcls(*_HERE, "vpc-1"),
        "DescribeNetworkAcls",
        [
            {
                "NetworkAcls": [
                    {
                        "NetworkAclId": "acl-1",
                        "IsDefault": False,
                        "Associations": [{"SubnetId": "subnet-1", "NetworkAclId": "acl-1"}],
                        "Entries": [
                            {
                                "RuleNumber": 100,
                                "Egress": True,
                                "RuleAction": "allow",
                                "Protocol": "6",
                                "CidrBlock": "0.0.0.0/0",
                                "PortRange": {"From": 443, "To": 443},
                            },
                            {
                                "RuleNumber": 32767,
                                "Egress": False,
                                "RuleAction": "deny",
                                "Protocol": "-1",
                                "Ipv6CidrBlock": "::/0",
                            },
                        ],
                    }
                ]
            },
            {"NetworkAcls": [{"NetworkAclId": "acl-2", "IsDefault": True, "Entries": []}]},
        ],
        (
            v.NetworkAcl(
                "acl-1",
                subnets=("subnet-1",),
                entries=(
                    v.AclEntry(100, egress=True, allow=True, protocol="6", cidr="0.0.0.0/0", ports=(443, 443)),
                    v.AclEntry(32767, egress=False, allow=False, protocol="-1", cidr="::/0"),
                ),
            ),
            v.NetworkAcl("acl-2", subnets=(), entries=()),
        ),
        token="NextToken",
    ),
    Case(
        q.SecurityGroups(*_HERE, "vpc-1"),
        "DescribeSecurityGroups",
        [
            {
                "SecurityGroups": [
                    {
                        "GroupId": "sg-1",
                        "GroupName": "web",
                        "IpPermissions": [
                            {
                                "IpProtocol": "tcp",
                                "FromPort": 443,
                                "ToPort": 443,
                                "IpRanges": [{"CidrIp": "10.0.0.0/16"}],
                                "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}],
                                "UserIdGroupPairs": [{"GroupId": "sg-2"}],
                                "PrefixListIds": [{"PrefixListId": "pl-1"}],
                            }
                        ],
                        "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
                        "Tags": [{"Key": "terraform", "Value": "true"}],
                    }
                ]
            },
            {
                "SecurityGroups": [
                    {"GroupId": "sg-2", "GroupName": "db", "IpPermissions": [], "IpPermissionsEgress": []}
                ]
            },
        ],
        (
            v.SecurityGroup(
                "sg-1",
                ingress=(v.GroupRule("tcp", (443, 443), ("10.0.0.0/16", "2001:db8::/64"), ("sg-2",), ("pl-1",)),),
                egress=(v.GroupRule("-1", None, ("0.0.0.0/0",)),),
                managed_by="Terraform",
            ),
            v.SecurityGroup("sg-2", (), ()),
        ),
        token="NextToken",
    ),
    Case(
        q.VpcEndpoints(*_HERE, "vpc-1"),
        "DescribeVpcEndpoints",
        [{"VpcEndpoints": [ENDPOINT]}, {"VpcEndpoints": [GATEWAY_ENDPOINT]}],
        (
            v.VpcEndpoint(
                "vpce-1",
                "Interface",
                "com.amazonaws.eu-west-1.s3",
                "available",
                service_region="eu-west-1",
                subnets=("subnet-1",),
                groups=("sg-1",),
                interfaces=("eni-1",),
                private_dns=True,
                dns_names=("vpce-1.s3.eu-west-1.vpce.amazonaws.com", "s3.eu-west-1.amazonaws.com"),
                inbound_resolver_only=True,
                managed_by="Terraform workspace network",
            ),
            v.VpcEndpoint("vpce-2", "Gateway", "com.amazonaws.eu-west-1.s3", "available", route_tables=("rtb-1",)),
        ),
        token="NextToken",
    ),
    Case(
        q.EndpointInterfaces(*_HERE, "vpc-1"),
        "DescribeNetworkInterfaces",
        [{"NetworkInterfaces": [INTERFACE]}, {"NetworkInterfaces": [INTERFACE | {"NetworkInterfaceId": "eni-2"}]}],
        (INTERFACE_VALUE, v.NetworkInterface("eni-2", "subnet-1", ("sg-1",), "10.0.0.9", "198.51.100.9")),
        token="NextToken",
    ),
    Case(
        q.NatGateways(*_HERE, "vpc-1"),
        "DescribeNatGateways",
        [
            {
                "NatGateways": [
                    {"NatGatewayId": "nat-1", "State": "available", "SubnetId": "subnet-1"},
                    {"NatGatewayId": "nat-2", "State": "failed", "SubnetId": "subnet-1", "ConnectivityType": "private"},
                ]
            },
            {
                "NatGateways": [
                    {
                        "NatGatewayId": "nat-3",
                        "State": "available",
                        "ConnectivityType": "public",
                        "AvailabilityMode": "regional",
                        "RouteTableId": "rtb-9",
                    }
                ]
            },
        ],
        (
            v.NatGateway("nat-1", "available", private=False, subnet="subnet-1"),
            v.NatGateway("nat-2", "failed", private=True, subnet="subnet-1"),
            v.NatGateway("nat-3", "available", private=False, regional=True),
        ),
        token="NextToken",
    ),
    Case(
        q.InternetGateways(*_HERE, "vpc-1"),
        "DescribeInternetGateways",
        [
            {
                "InternetGateways": [
                    {"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]},
                    {"InternetGatewayId": "igw-2", "Attachments": [{"VpcId": "vpc-1", "State": "detaching"}]},
                ]
            },
            {"InternetGateways": [{"InternetGatewayId": "igw-3", "Attachments": [{"VpcId": "vpc-other"}]}]},
        ],
        (v.InternetGateway("igw-1", ("vpc-1",)),),
        token="NextToken",
    ),
    Case(
        q.DnsSupport(*_HERE, "vpc-1"),
        "DescribeVpcAttribute",
        [{"VpcId": "vpc-1", "EnableDnsSupport": {"Value": True}}],
        value=True,
    ),
    Case(
        q.DnsHostnames(*_HERE, "vpc-1"),
        "DescribeVpcAttribute",
        [{"VpcId": "vpc-1", "EnableDnsHostnames": {"Value": False}}],
        value=False,
    ),
    Case(
        q.S3PrefixList(*_HERE),
        "DescribePrefixLists",
        [
            {"PrefixLists": []},
            {
                "PrefixLists": [
                    {
                        "PrefixListId": "pl-1",
                        "PrefixListName": "com.amazonaws.eu-west-1.s3",
                        "Cidrs": ["52.218.0.0/17"],
                    }
                ]
            },
        ],
        v.PrefixList("pl-1", "com.amazonaws.eu-west-1.s3", ("52.218.0.0/17",)),
        token="NextToken",
    ),
    Case(
        q.OneService(*_HERE, "prod", "web"),
        "DescribeServices",
        [
            {
                "services": [
                    {
                        "serviceArn": f"arn:aws:ecs:{REGION}:{OWN_ACCOUNT}:service/prod/web",
                        "serviceName": "web",
                        "status": "ACTIVE",
                        "desiredCount": 2,
                        "runningCount": 1,
                        "deployments": [
                            {
                                "id": "ecs-svc/1",
                                "status": "PRIMARY",
                                "taskDefinition": TASK_DEFINITION,
                                "platformVersion": "1.4.0",
                                "networkConfiguration": {
                                    "awsvpcConfiguration": {
                                        "subnets": ["subnet-1"],
                                        "securityGroups": ["sg-1"],
                                        "assignPublicIp": "DISABLED",
                                    }
                                },
                            },
                            {"id": "ecs-svc/0", "status": "ACTIVE", "taskDefinition": TASK_DEFINITION},
                        ],
                    }
                ],
                "failures": [],
            }
        ],
        v.Service(
            (
                v.Deployment("ecs-svc/1", "PRIMARY", ("subnet-1",), ("sg-1",), assign_public_ip=False),
                v.Deployment("ecs-svc/0", "ACTIVE"),
            )
        ),
        gone=(AwsError("ClusterNotFoundException"), AwsError("ServiceNotFoundException")),
    ),
    Case(
        q.OneTaskDefinition(*_HERE, TASK_DEFINITION),
        "DescribeTaskDefinition",
        [
            {
                "taskDefinition": {
                    "taskDefinitionArn": TASK_DEFINITION,
                    "family": "web",
                    "revision": 7,
                    "executionRoleArn": ROLE,
                    "taskRoleArn": f"{ROLE}-task",
                    "registeredAt": NOON_IN_SEOUL,
                    "registeredBy": f"arn:aws:iam::{OWN_ACCOUNT}:user/dev",
                    "containerDefinitions": [
                        {
                            "name": "app",
                            "image": "web:1",
                            "environment": [{"name": "TOKEN", "value": PLANTED}],
                            "command": ["--token", PLANTED],
                            "entryPoint": [PLANTED],
                            "secrets": [{"name": "DB", "valueFrom": PLANTED}],
                            "dockerLabels": {"label": PLANTED},
                            "logConfiguration": {"logDriver": "awslogs", "options": {"splunk-token": PLANTED}},
                            "repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:r:1:secret:hub"},
                        },
                        {"name": "log", "image": "fluent:2", "essential": False},
                    ],
                }
            }
        ],
        v.TaskDefinition(
            "web",
            7,
            ROLE,
            containers=(v.ContainerDefinition("app", essential=True), v.ContainerDefinition("log", essential=False)),
            registered_at=NOON,
            registered_by=f"arn:aws:iam::{OWN_ACCOUNT}:user/dev",
        ),
        gone=(AwsError("ClientException", "Unable to describe task definition."),),
    ),
    Case(
        q.RunningTasks(*_HERE, "prod", "web", None),
        "ListTasks",
        [{"taskArns": [TASKS[0]]}, {"taskArns": [TASKS[1]]}],
        TASKS,
        token="nextToken",
        gone=(AwsError("ClusterNotFoundException"), AwsError("ServiceNotFoundException")),
        absent=(),
    ),
    Case(
        q.Siblings(*_HERE, "prod", TASKS),
        "DescribeTasks",
        [
            {
                "tasks": [
                    {
                        "taskArn": TASKS[0],
                        "taskDefinitionArn": TASK_DEFINITION,
                        "startedAt": NOON_IN_SEOUL,
                        "startedBy": "ecs-svc/1",
                        "attachments": [
                            {"type": "Service Connect", "details": [{"name": "subnetId", "value": "subnet-wrong"}]},
                            {
                                "type": "ElasticNetworkInterface",
                                "details": [
                                    {"name": "networkInterfaceId", "value": "eni-1"},
                                    {"name": "subnetId", "value": "subnet-1"},
                                ],
                            },
                        ],
                        "overrides": {
                            "executionRoleArn": ROLE,
                            "containerOverrides": [
                                {
                                    "name": "app",
                                    "command": [PLANTED],
                                    "environment": [{"name": "TOKEN", "value": PLANTED}],
                                }
                            ],
                        },
                    }
                ],
                "failures": [{"arn": TASKS[1], "reason": "MISSING"}],
            }
        ],
        (v.Sibling(TASKS[0], TASK_DEFINITION, NOON, "ecs-svc/1", "subnet-1", ROLE),),
    ),
    Case(
        q.EcrImageOf(*_HERE, OWN_ACCOUNT, "web", "1", None),
        "DescribeImages",
        [
            {
                "imageDetails": [
                    {
                        "imageDigest": DIGEST,
                        "imageTags": ["1"],
                        "imagePushedAt": NOON_IN_SEOUL,
                        "imageStatus": "ARCHIVED",
                    }
                ]
            }
        ],
        v.EcrLookup(None, v.EcrImage(DIGEST, ("1",), NOON, "ARCHIVED")),
        gone=(AwsError("ImageNotFoundException"),),
        absent=v.EcrLookup("image"),
    ),
    Case(
        q.EcrTagsOf(*_HERE, OWN_ACCOUNT, "web"),
        "DescribeImages",
        [
            {"imageDetails": [{"imageDigest": DIGEST, "imageTags": ["1", "latest"], "imagePushedAt": NOON}]},
            {"imageDetails": [{"imageDigest": DIGEST[:-1] + "b"}]},
        ],
        v.EcrTags((v.EcrImage(DIGEST, ("1", "latest"), NOON),), complete=True),
        token="nextToken",
        gone=(AwsError("RepositoryNotFoundException"),),
        absent=v.EcrTags((), complete=True),
    ),
    Case(
        q.RepositoryPolicy(*_HERE, OWN_ACCOUNT, "web"),
        "GetRepositoryPolicy",
        [{"policyText": '{"Statement": []}'}],
        '{"Statement": []}',
        gone=(AwsError("RepositoryPolicyNotFoundException"), AwsError("RepositoryNotFoundException")),
    ),
    Case(
        q.Simulation(*_HERE, ROLE, ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), REPOSITORY),
        "SimulatePrincipalPolicy",
        [
            {
                "EvaluationResults": [
                    _simulated(
                        "ecr:BatchGetImage",
                        OrganizationsDecisionDetail={"AllowedByOrganizations": False},
                        ResourceSpecificResults=[
                            {
                                "EvalResourceName": REPOSITORY,
                                "EvalResourceDecision": "explicitDeny",
                                "MatchedStatements": [
                                    {"SourcePolicyId": "deny-all"},
                                    {"SourcePolicyId": "deny-all"},
                                ],
                                "MissingContextValues": ["aws:SourceVpce"],
                                "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": True},
                            }
                        ],
                    )
                ]
            },
            {
                "EvaluationResults": [
                    _simulated(
                        "ecr:GetDownloadUrlForLayer",
                        EvalDecision="allowed",
                        MatchedStatements=[{"SourcePolicyId": "pull", "SourcePolicyType": "IAM Policy"}],
                    )
                ]
            },
        ],
        (
            v.Simulated(
                "ecr:BatchGetImage",
                "explicitDeny",
                ("deny-all",),
                ("aws:SourceVpce",),
                boundary_allows=True,
                organization_allows=False,
            ),
            v.Simulated("ecr:GetDownloadUrlForLayer", "allowed", ("pull",)),
        ),
        token="Marker",
        gone=(AwsError("NoSuchEntity"),),
    ),
)

"""The EC2 and ECR readers against moto, whose answers differ from AWS's in small ways that must not mislead them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known
from tests.facts.case import INDEX, index

ACCOUNT, REGION = "123456789012", "eu-west-1"


@dataclass(frozen=True)
class World:
    aws: Aws
    vpc: str
    subnet: str
    other: str
    nat: str
    gateway: str
    detached: str
    options: str


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name=REGION)
        ec2 = session.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        empty = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        ec2.create_network_interface(SubnetId=subnet)
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=ec2.allocate_address()["AllocationId"])
        table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]
        ec2.create_route(
            RouteTableId=table["RouteTableId"],
            DestinationCidrBlock="0.0.0.0/0",
            NatGatewayId=nat["NatGateway"]["NatGatewayId"],
        )
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{REGION}.ecr.dkr",
            SubnetIds=[subnet],
        )
        detached = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        options = ec2.create_dhcp_options(
            DhcpConfigurations=[{"Key": "domain-name-servers", "Values": ["10.0.0.53", "10.0.0.54"]}]
        )["DhcpOptions"]["DhcpOptionsId"]
        ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc)
        ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=empty)
        nat_id = nat["NatGateway"]["NatGatewayId"]
        yield World(Aws(session), vpc, subnet, empty, nat_id, gateway, detached, options)


def read(world: World, question: q.Question[Any]) -> Any:
    fact = ask(world.aws, question)
    assert isinstance(fact, Known), fact
    return fact.value


def test_a_nat_gateway_without_a_type_is_public(world: World) -> None:
    (nat,) = read(world, q.NatGateways(ACCOUNT, REGION, world.vpc))
    assert (nat.id, nat.private, nat.regional, nat.subnet) == (world.nat, False, False, world.subnet)


def test_the_main_table_with_its_routes(world: World) -> None:
    (table,) = read(world, q.RouteTables(ACCOUNT, REGION, world.vpc))
    assert table.main
    assert [(route.destination, route.target) for route in table.routes] == [
        ("10.0.0.0/16", "local"),
        ("0.0.0.0/0", world.nat),
    ]


def test_security_groups_and_acls(world: World) -> None:
    (group,) = read(world, q.SecurityGroups(ACCOUNT, REGION, world.vpc))
    assert [(rule.protocol, rule.ports, rule.cidrs) for rule in group.egress] == [("-1", None, ("0.0.0.0/0",))]
    (acl,) = read(world, q.NetworkAcls(ACCOUNT, REGION, world.vpc))
    assert acl.subnets == (world.subnet,)
    assert {entry.ports for entry in acl.entries} == {None}


def test_internet_gateways_with_what_they_are_attached_to(world: World) -> None:
    found = read(world, q.InternetGateways(ACCOUNT, REGION, world.vpc))
    assert {each.id: each.vpcs for each in found} == {world.gateway: (world.vpc,), world.detached: ()}


def test_dns_attributes_and_prefix_list(world: World) -> None:
    assert read(world, q.DnsSupport(ACCOUNT, REGION, world.vpc)) is True
    assert read(world, q.DnsHostnames(ACCOUNT, REGION, world.vpc)) is False
    assert read(world, q.S3PrefixList(ACCOUNT, REGION)).name == f"com.amazonaws.{REGION}.s3"


@pytest.mark.parametrize("kind", [q.Subnets, q.VpcEndpoints, q.EndpointInterfaces, q.NatGateways])
def test_an_empty_vpc_has_none(world: World, kind: Any) -> None:
    assert read(world, kind(ACCOUNT, REGION, world.other)) == ()


def test_what_ec2_does_not_know(world: World) -> None:
    assert read(world, q.OneSubnet(ACCOUNT, REGION, "subnet-0123456789abcdef0")) is None
    assert read(world, q.OneInterface(ACCOUNT, REGION, "eni-0123456789abcdef0")) is None
    assert read(world, q.OneVpc(ACCOUNT, REGION, "vpc-0123456789abcdef0")) is None


def test_a_vpc_and_its_dhcp_options(world: World) -> None:
    own = read(world, q.OneVpc(ACCOUNT, REGION, world.vpc))
    assert (own.cidrs, own.dhcp_options) == (("10.0.0.0/16",), world.options)
    assert read(world, q.OneVpc(ACCOUNT, REGION, world.other)).dhcp_options is None
    sets = {each.id: each.name_servers for each in read(world, q.DhcpOptionSets(ACCOUNT, REGION))}
    assert sets[world.options] == ("10.0.0.53", "10.0.0.54")


def test_an_endpoint_s_default_policy(world: World) -> None:
    (endpoint,) = read(world, q.VpcEndpoints(ACCOUNT, REGION, world.vpc))
    (statement,) = json.loads(endpoint.policy)["Statement"]
    assert statement == {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def test_a_repository_with_its_key_and_tags(world: World) -> None:
    ecr = boto3.client("ecr", region_name=REGION)
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
    arn = ecr.create_repository(
        repositoryName="locked",
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key},
        tags=[{"Key": "team", "Value": "web"}],
    )["repository"]["repositoryArn"]
    assert read(world, q.RepositoryDetails(ACCOUNT, REGION, ACCOUNT, "locked")) == v.Repository(arn, "KMS", key)
    assert read(world, q.RepositoryTags(ACCOUNT, REGION, ACCOUNT, "locked")) == (("team", "web"),)
    assert read(world, q.RepositoryDetails(ACCOUNT, REGION, ACCOUNT, "none")) is None
    assert read(world, q.RepositoryTags(ACCOUNT, REGION, ACCOUNT, "none")) is None
    ecr.delete_repository(repositoryName="locked")


def test_a_registry_without_a_policy(world: World) -> None:
    assert read(world, q.RegistryPolicyOf(ACCOUNT, REGION, ACCOUNT)) == v.RegistryRules(None)


def test_repositories_and_the_manifest_of_an_index(world: World) -> None:
    ecr = boto3.client("ecr", region_name=REGION)
    for name in ("team/app", "team/web"):
        ecr.create_repository(repositoryName=name)
    text = index({"os": "linux", "architecture": "amd64"}, {"os": "unknown", "architecture": "unknown"})
    ecr.put_image(repositoryName="team/app", imageTag="v1", imageManifest=text, imageManifestMediaType=INDEX)
    names = read(world, q.EcrRepositories(ACCOUNT, REGION, ACCOUNT))
    assert (set(names.names), names.complete) == ({"team/app", "team/web"}, True)
    wanted = v.Manifest(INDEX, is_index=True, platforms=(v.Platform("linux", "amd64"),), attestations=1)
    assert read(world, q.EcrManifestOf(ACCOUNT, REGION, ACCOUNT, "team/app", "v1", None)) == wanted
    assert read(world, q.EcrManifestOf(ACCOUNT, REGION, ACCOUNT, "team/app", "v2", None)) is None
    assert read(world, q.EcrManifestOf(ACCOUNT, REGION, ACCOUNT, "team/none", "v1", None)) is None

"""The EC2 readers against moto, whose answers differ from AWS's in small ways that must not mislead them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from pull_doctor.facts import questions as q
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known

ACCOUNT, REGION = "123456789012", "eu-west-1"


@dataclass(frozen=True)
class World:
    aws: Aws
    vpc: str
    subnet: str
    other: str
    nat: str
    gateway: str


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
        yield World(Aws(session), vpc, subnet, empty, nat["NatGateway"]["NatGatewayId"], gateway)


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


def test_the_attached_gateway(world: World) -> None:
    assert [each.id for each in read(world, q.InternetGateways(ACCOUNT, REGION, world.vpc))] == [world.gateway]


def test_dns_attributes_and_prefix_list(world: World) -> None:
    assert read(world, q.DnsSupport(ACCOUNT, REGION, world.vpc)) is True
    assert read(world, q.DnsHostnames(ACCOUNT, REGION, world.vpc)) is False
    assert read(world, q.S3PrefixList(ACCOUNT, REGION)).name == f"com.amazonaws.{REGION}.s3"


@pytest.mark.parametrize("kind", [q.Subnets, q.VpcEndpoints, q.EndpointInterfaces, q.NatGateways, q.InternetGateways])
def test_an_empty_vpc_has_none(world: World, kind: Any) -> None:
    assert read(world, kind(ACCOUNT, REGION, world.other)) == ()


def test_what_ec2_does_not_know(world: World) -> None:
    assert read(world, q.OneSubnet(ACCOUNT, REGION, "subnet-0123456789abcdef0")) is None
    assert read(world, q.OneInterface(ACCOUNT, REGION, "eni-0123456789abcdef0")) is None

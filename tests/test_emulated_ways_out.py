"""What moto was taught of IPv6, prefix lists, Block Public Access and instances, as the readers see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.emulated import moto_block_public_access, moto_repairs, moto_ways_out
from tests.emulated.aws import EmulatedAws
from tests.worlds.network import Network

pytestmark = pytest.mark.slow  # the emulator changes rarely: its own tests are of the long set

ACCOUNT, REGION = "555555555551", "eu-west-1"
HERE = (ACCOUNT, REGION)


@pytest.fixture
def reading(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The readers' own AWS, with credentials of the emulated account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    return Aws(boto3.Session(ACCOUNT, "secret", region_name=REGION))


@pytest.fixture
def net(aws: EmulatedAws) -> Network:
    network = Network(aws, ACCOUNT)
    network.network(ipv6=True)
    return network


def read(reading: Aws, question: q.Question[Any]) -> Any:
    fact = ask(reading, question)
    assert isinstance(fact, Known), fact
    return fact.value


def test_a_route_server_s_route_stands_beside_one_that_was_made(reading: Aws, net: Network) -> None:
    table = net.table()
    moto_ways_out.advertise(*HERE, table, "0.0.0.0/0", "10.0.0.77", "filtered")
    net.route(table, "0.0.0.0/0", GatewayId=(gateway := net.internet_gateway()))
    found = next(one for one in read(reading, q.RouteTables(*HERE, net.vpc)) if one.id == table)
    assert [one for one in found.routes if one.destination == "0.0.0.0/0"] == [
        v.Route("0.0.0.0/0", "10.0.0.77", "filtered", propagated=True),
        v.Route("0.0.0.0/0", gateway, "active"),
    ]


def test_an_endpoint_for_a_service_of_another_region_has_that_regions_names(reading: Aws, net: Network) -> None:
    subnet = net.subnet("10.0.3.0/24", "a", None)
    net.interface_endpoint("ecr.dkr", subnet, net.task_group, "us-east-1")
    (found,) = read(reading, q.VpcEndpoints(*HERE, net.vpc))
    assert (found.service, found.service_region) == ("com.amazonaws.us-east-1.ecr.dkr", "us-east-1")
    assert "*.dkr.ecr.us-east-1.amazonaws.com" in found.dns_names


def test_subnets_of_both_families_and_of_ipv6_alone(reading: Aws, net: Network) -> None:
    table = net.table()
    dual = net.ipv6_subnet(1, "a", table, cidr="10.0.1.0/24")
    alone = net.ipv6_subnet(2, "b", None, cidr=None, dns64=True)
    (whole,) = read(reading, q.OneVpc(*HERE, net.vpc)).ipv6_cidrs
    first, second = (read(reading, q.OneSubnet(*HERE, subnet)) for subnet in (dual, alone))
    assert (first.cidr, first.dns64, first.gateway_block) == ("10.0.1.0/24", False, "off")
    assert (second.cidr, second.dns64) == (None, True)
    wanted = [str(network) for network in islice(ip_network(whole).subnets(new_prefix=64), 1, 3)]
    assert [first.ipv6_cidr, second.ipv6_cidr] == wanted
    (route,) = (one for one in read(reading, q.RouteTables(*HERE, net.vpc))[0].routes if ":" in one.destination)
    assert (route.destination, route.target) == (whole, "local")


def test_an_interface_has_addresses_of_its_subnet_s_families(reading: Aws, net: Network) -> None:
    ec2 = net.client("ec2")

    def interface(subnet: str) -> v.NetworkInterface:
        made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        found: v.NetworkInterface = read(reading, q.OneInterface(*HERE, made))
        return found

    dual, alone = net.ipv6_subnet(1, "a", None, cidr="10.0.1.0/24"), net.ipv6_subnet(2, "a", None, cidr=None)
    first, second, third = interface(dual), interface(dual), interface(alone)
    assert [one.private_ip for one in (first, second, third)] == ["10.0.1.4", "10.0.1.5", None]
    for one in (first, second, third):
        (address,) = one.ipv6
        assert ip_address(address) in ip_network(read(reading, q.OneSubnet(*HERE, one.subnet)).ipv6_cidr)
    assert first.ipv6 != second.ipv6


def test_acls_and_groups_have_rules_of_ipv6_where_the_vpc_has_it(reading: Aws, net: Network) -> None:
    own = net.client("ec2").create_network_acl(VpcId=net.vpc)["NetworkAcl"]["NetworkAclId"]

    def rules() -> dict[str, list[tuple[int, bool, bool]]]:
        acls = read(reading, q.NetworkAcls(*HERE, net.vpc))
        return {
            acl.id: sorted((one.number, one.egress, one.allow) for one in acl.entries if one.cidr == "::/0")
            for acl in acls
        }

    denied = [(32768, False, False), (32768, True, False)]
    assert rules().pop(own) == denied
    assert [found for acl, found in rules().items() if acl != own] == [[(101, False, True), (101, True, True), *denied]]
    groups = read(reading, q.SecurityGroups(*HERE, net.vpc))
    assert "::/0" in next(one for one in groups if one.id == net.task_group).egress[-1].cidrs

    net.network()
    assert set(*rules().values()) == set()


def test_an_endpoint_s_interfaces_have_the_families_of_its_address_type(reading: Aws, net: Network) -> None:
    subnet = net.ipv6_subnet(1, "a", None, cidr="10.0.1.0/24")
    ec2 = net.client("ec2")
    wanted = {"VpcEndpointType": "Interface", "ServiceName": f"com.amazonaws.{REGION}.ecr.dkr"}
    made = ec2.create_vpc_endpoint(VpcId=net.vpc, SubnetIds=[subnet], **wanted)["VpcEndpoint"]["VpcEndpointId"]

    def families() -> tuple[str | None, bool, int]:
        (endpoint,) = read(reading, q.VpcEndpoints(*HERE, net.vpc))
        (interface,) = read(reading, q.EndpointInterfaces(*HERE, net.vpc))
        return endpoint.ip_type, interface.private_ip is not None, len(interface.ipv6)

    assert families() == ("ipv4", True, 0)
    ec2.modify_vpc_endpoint(VpcEndpointId=made, IpAddressType="dualstack")
    assert families() == ("dualstack", True, 1)
    ec2.modify_vpc_endpoint(VpcEndpointId=made, IpAddressType="ipv6")
    assert families() == ("ipv6", False, 1)


def test_routes_of_ipv6_by_an_egress_only_gateway_and_nat64(reading: Aws, net: Network) -> None:
    gateway = net.egress_only_gateway()
    nat = net.nat_gateway(net.internet_gateway())
    table = net.table()
    net.route(table, "::/0", EgressOnlyInternetGatewayId=gateway)
    net.route(table, "64:ff9b::/96", NatGatewayId=nat)

    def routes() -> list[tuple[str, str, str]]:
        found = next(one for one in read(reading, q.RouteTables(*HERE, net.vpc)) if one.id == table)
        return [(one.destination, one.target, one.state) for one in found.routes if one.target != "local"]

    def attached() -> tuple[str, ...]:
        gateways = read(reading, q.EgressOnlyGateways(*HERE, net.vpc))
        return next(one.vpcs for one in gateways if one.id == gateway)

    assert routes() == [("::/0", gateway, "active"), ("64:ff9b::/96", nat, "active")]
    assert attached() == (net.vpc,)
    moto_ways_out.set_egress_only_attachment(ACCOUNT, REGION, gateway, "detached")
    assert attached() == ()
    net.client("ec2").delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway)
    assert routes()[0] == ("::/0", gateway, "blackhole")
    moto_repairs.set_route_state(ACCOUNT, REGION, table, "64:ff9b::/96", "blackhole")
    assert routes()[1] == ("64:ff9b::/96", nat, "blackhole")


def test_a_regional_nat_gateway_has_a_route_table_of_its_own(reading: Aws, net: Network) -> None:
    gateway = net.internet_gateway()
    nat = net.regional_nat_gateway()
    (found,) = read(reading, q.NatGateways(*HERE, net.vpc))
    assert (found.id, found.regional, found.subnet, found.private) == (nat, True, None, False)
    tables = {one.id: one for one in read(reading, q.RouteTables(*HERE, net.vpc))}
    assert [one.target for one in tables[found.route_table].routes if one.destination == "0.0.0.0/0"] == [gateway]


def test_a_prefix_list_until_it_is_deleted(reading: Aws, net: Network) -> None:
    ec2 = net.client("ec2")
    made = net.prefix_list("everything", "0.0.0.0/1", "128.0.0.0/1")
    question = q.PrefixListEntries(*HERE, made)
    table = net.table()
    net.route(table, made, NatGatewayId=net.nat_gateway(net.internet_gateway()))
    assert read(reading, question) == v.PrefixList(made, made, ("0.0.0.0/1", "128.0.0.0/1"))

    removed = [{"Cidr": "0.0.0.0/1"}]
    ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=1, RemoveEntries=removed)
    assert read(reading, question).cidrs == ("128.0.0.0/1",)
    assert ec2.describe_managed_prefix_lists(PrefixListIds=[made])["PrefixLists"][0]["PrefixListName"] == "everything"
    assert read(reading, q.S3PrefixList(*HERE)).cidrs

    ec2.delete_managed_prefix_list(PrefixListId=made)
    assert read(reading, question) is None
    assert read(reading, q.PrefixListEntries(*HERE, "pl-0123456789abcdef0")) is None


@pytest.fixture
def unblocked() -> Iterator[None]:
    yield
    moto_block_public_access.set_block_public_access(ACCOUNT, REGION, "off", state="default-state")


@pytest.mark.usefixtures("unblocked")
def test_public_access_that_is_blocked_with_exclusions(reading: Aws, net: Network) -> None:
    ec2 = net.client("ec2")
    subnet, other = net.subnet("10.0.1.0/24", "a", None), net.subnet("10.0.2.0/24", "a", None)
    question = q.BlockPublicAccessOf(*HERE)
    assert read(reading, question) == v.BlockPublicAccess("off", (), "account")

    ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-bidirectional")
    made = ec2.create_vpc_block_public_access_exclusion(SubnetId=subnet, InternetGatewayExclusionMode="allow-egress")
    exclusion = made["VpcBlockPublicAccessExclusion"]["ExclusionId"]

    def blocks() -> list[str | None]:
        return [read(reading, q.OneSubnet(*HERE, one)).gateway_block for one in (subnet, other)]

    excluded = (v.AccessExclusion(subnet, "allow-egress"),)
    assert read(reading, question) == v.BlockPublicAccess("block-bidirectional", excluded, "account")
    assert blocks() == ["block-ingress", "block-bidirectional"]

    ec2.modify_vpc_block_public_access_exclusion(
        ExclusionId=exclusion, InternetGatewayExclusionMode="allow-bidirectional"
    )
    assert blocks() == ["off", "block-bidirectional"]
    moto_block_public_access.set_exclusion_state(ACCOUNT, REGION, exclusion, "update-in-progress")
    assert isinstance(ask(reading, question), Unknown)
    ec2.delete_vpc_block_public_access_exclusion(ExclusionId=exclusion)
    assert read(reading, question).exclusions == ()

    ec2.create_vpc_block_public_access_exclusion(VpcId=net.vpc, InternetGatewayExclusionMode="allow-bidirectional")
    assert read(reading, question).exclusions == (v.AccessExclusion(net.vpc, "allow-bidirectional"),)
    assert blocks() == ["off", "off"]
    with pytest.raises(ClientError, match="NotFound"):
        ec2.delete_vpc_block_public_access_exclusion(ExclusionId="vpcbpa-exclude-0")

    moto_block_public_access.set_block_public_access(ACCOUNT, REGION, "block-ingress", managed_by="declarative-policy")
    assert read(reading, question).managed_by == "declarative-policy"


def test_an_instance_with_its_profile_until_it_is_terminated(aws: EmulatedAws, reading: Aws, net: Network) -> None:
    ec2, iam = net.client("ec2"), aws.client("iam", account=ACCOUNT)
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="hosts", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    profile = iam.create_instance_profile(InstanceProfileName="hosts")["InstanceProfile"]["Arn"]
    subnet = net.ipv6_subnet(1, "a", None, cidr="10.0.1.0/24")
    instance = ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": "hosts"},
        NetworkInterfaces=[
            {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [net.task_group], "AssociatePublicIpAddress": True}
        ],
    )["Instances"][0]["InstanceId"]
    second = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=second, InstanceId=instance, DeviceIndex=1)

    found = read(reading, q.OneInstance(*HERE, instance))
    assert (found.state, found.vpc, found.subnet, found.groups) == ("running", net.vpc, subnet, (net.task_group,))
    assert found.interface not in (second, None)
    assert found.public_ip is not None
    assert len(found.ipv6) == 1
    assert found.profile == profile

    question = q.OneInstanceProfile(*HERE, profile)
    assert read(reading, question) == v.InstanceProfile(profile, None)
    iam.add_role_to_instance_profile(InstanceProfileName="hosts", RoleName="hosts")
    assert read(reading, question) == v.InstanceProfile(profile, role)
    assert read(reading, q.OneInstanceProfile(*HERE, profile.replace("hosts", "none"))) is None

    ec2.terminate_instances(InstanceIds=[instance])
    gone = read(reading, q.OneInstance(*HERE, instance))
    assert (gone.state, gone.subnet, gone.interface, gone.groups) == ("terminated", None, None, ())
    assert read(reading, q.OneInstance(*HERE, "i-0123456789abcdef0")) is None


def test_an_instance_in_a_subnet_of_ipv6_alone(reading: Aws, net: Network) -> None:
    subnet = net.ipv6_subnet(1, "a", None, cidr=None)
    made = net.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet)
    found = read(reading, q.OneInstance(*HERE, made["Instances"][0]["InstanceId"]))
    assert (found.subnet, found.private_ip, len(found.ipv6)) == (subnet, None, 1)

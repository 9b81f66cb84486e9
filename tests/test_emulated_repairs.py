"""What the emulators were taught: states and answers of AWS that worlds are built from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulated import moto_repairs
from tests.emulated.aws import EmulatedAws

pytestmark = pytest.mark.slow  # the emulator changes rarely: its own tests are of the long set

ACCOUNT = "333333333333"
REPOSITORY = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/web"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": "*"} | one for one in statements]})


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), **more}


@pytest.fixture
def role(aws: EmulatedAws) -> Iterator[str]:
    """A role under a path, which may do anything in ECR; the account is in no organization afterwards."""
    iam = aws.client("iam", account=ACCOUNT)
    arn: str = iam.create_role(RoleName="pull", Path="/team/", AssumeRolePolicyDocument=policy())["Role"]["Arn"]
    iam.put_role_policy(RoleName="pull", PolicyName="own", PolicyDocument=policy(allow("ecr:*")))
    yield arn
    aws.in_organization(ACCOUNT, None)
    for name in iam.list_role_policies(RoleName="pull")["PolicyNames"]:
        iam.delete_role_policy(RoleName="pull", PolicyName=name)
    iam.delete_role(RoleName="pull")


def simulated(aws: EmulatedAws, role: str, resource: str = REPOSITORY) -> dict[str, dict[str, Any]]:
    """The results by action."""
    iam = aws.client("iam", account=ACCOUNT)
    found = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=PULL, ResourceArns=[resource])
    return {result["EvalActionName"]: result for result in found["EvaluationResults"]}


def decisions(aws: EmulatedAws, role: str) -> list[str]:
    return [simulated(aws, role)[action]["EvalDecision"] for action in PULL]


def test_a_simulation_answers_once_for_each_action_and_beneath_it_for_the_resource(aws: EmulatedAws, role: str) -> None:
    results = simulated(aws, role)
    assert list(results) == PULL
    (specific,) = results[PULL[0]]["ResourceSpecificResults"]
    assert (specific["EvalResourceName"], specific["EvalResourceDecision"]) == (REPOSITORY, "allowed")
    assert specific["MatchedStatements"] == [{"SourcePolicyId": "own"}]
    assert "MatchedStatements" not in results[PULL[0]]
    assert not simulated(aws, role, "*")[PULL[0]]["ResourceSpecificResults"]
    assert "OrganizationsDecisionDetail" not in results[PULL[0]]
    assert "PermissionsBoundaryDecisionDetail" not in specific


def test_a_boundary_takes_away_what_it_does_not_allow(aws: EmulatedAws, role: str) -> None:
    iam = aws.client("iam", account=ACCOUNT)
    limit = policy(allow(PULL[0]), allow("s3:*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}))
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=limit)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="pull", PermissionsBoundary=arn)
    assert iam.get_role(RoleName="pull")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn

    assert decisions(aws, role) == ["allowed", "implicitDeny"]
    details = [simulated(aws, role)[action]["ResourceSpecificResults"][0] for action in PULL]
    assert [one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for one in details] == [
        True,
        False,
    ]
    assert details[0]["MissingContextValues"] == ["aws:SourceVpce"]

    iam.delete_role_permissions_boundary(RoleName="pull")
    assert decisions(aws, role) == ["allowed", "allowed"]


def test_an_account_is_in_no_organization_until_it_is_put_into_one(aws: EmulatedAws, role: str) -> None:
    organizations = aws.client("organizations", account=ACCOUNT)
    with pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        organizations.describe_organization()

    aws.in_organization(ACCOUNT, "o-exampleorg1")

    assert organizations.describe_organization()["Organization"]["Id"] == "o-exampleorg1"
    assert decisions(aws, role) == ["allowed", "allowed"]


def test_an_organization_s_policy_denies_what_the_role_allows(aws: EmulatedAws, role: str) -> None:
    aws.in_organization(ACCOUNT, "o-exampleorg1")
    aws.organization_policy(ACCOUNT, [{"Effect": "Deny", "Action": PULL[1], "Resource": "*"}])
    assert decisions(aws, role) == ["allowed", "explicitDeny"]
    details = [simulated(aws, role)[action]["OrganizationsDecisionDetail"] for action in PULL]
    assert details == [{"AllowedByOrganizations": True}, {"AllowedByOrganizations": False}]

    aws.organization_policy(ACCOUNT, [allow("s3:*", Resource="*")], full_access=False)
    assert decisions(aws, role) == ["implicitDeny", "implicitDeny"]
    aws.organization_policy(ACCOUNT, [])
    assert decisions(aws, role) == ["allowed", "allowed"]


def test_a_role_of_another_path_does_not_exist(aws: EmulatedAws, role: str) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        simulated(aws, role.replace("/team/", "/"))


@dataclass(frozen=True)
class Net:
    ec2: Any
    region: str
    vpc: str
    subnets: tuple[str, str]
    table: str
    gateway: str

    def states(self) -> list[str]:
        (table,) = self.ec2.describe_route_tables(RouteTableIds=[self.table])["RouteTables"]
        return [route["State"] for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"]

    def endpoint(self, endpoint: str) -> Any:
        (found,) = self.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
        return found


@pytest.fixture
def net(aws: EmulatedAws) -> Net:
    ec2 = aws.client("ec2", account=ACCOUNT)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    one, two = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"] for number in (1, 2)
    )
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    return Net(ec2, aws.region, vpc, (one, two), table, gateway)


def test_a_vpc_starts_with_amazon_s_own_resolver(net: Net) -> None:
    other = net.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    net.ec2.delete_vpc(VpcId=other)
    (vpc,) = net.ec2.describe_vpcs(VpcIds=[net.vpc])["Vpcs"]
    (options,) = net.ec2.describe_dhcp_options(DhcpOptionsIds=[vpc["DhcpOptionsId"]])["DhcpOptions"]
    values = {item["Key"]: item["Values"] for item in options["DhcpConfigurations"]}
    assert values["domain-name-servers"] == [{"Value": "AmazonProvidedDNS"}]


def test_a_route_to_a_deleted_nat_gateway_is_a_blackhole(net: Net) -> None:
    nat = net.ec2.create_nat_gateway(SubnetId=net.subnets[0], ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    net.ec2.create_route(RouteTableId=net.table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    moto_repairs.set_nat_state(ACCOUNT, net.region, nat, "failed")
    assert net.states() == ["active"]
    net.ec2.delete_nat_gateway(NatGatewayId=nat)
    assert net.states() == ["blackhole"]
    moto_repairs.forget_nat_gateway(ACCOUNT, net.region, nat)
    assert net.states() == ["blackhole"]
    assert nat not in {each["NatGatewayId"] for each in net.ec2.describe_nat_gateways()["NatGateways"]}


def test_a_route_to_a_detached_internet_gateway_is_a_blackhole_until_it_is_attached(net: Net) -> None:
    net.ec2.create_route(RouteTableId=net.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=net.gateway)
    assert net.states() == ["active"]
    net.ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc)
    assert net.states() == ["blackhole"]
    net.ec2.attach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc)
    assert net.states() == ["active"]


def test_a_route_s_state_can_be_set(net: Net) -> None:
    net.ec2.create_route(RouteTableId=net.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=net.gateway)
    moto_repairs.set_route_state(ACCOUNT, net.region, net.table, "0.0.0.0/0", "blackhole")
    assert net.states() == ["blackhole"]
    moto_repairs.set_route_state(ACCOUNT, net.region, net.table, "0.0.0.0/0", None)
    assert net.states() == ["active"]


def an_endpoint(net: Net, **more: Any) -> str:
    wanted = {"VpcEndpointType": "Interface", "ServiceName": f"com.amazonaws.{net.region}.s3", **more}
    made = net.ec2.create_vpc_endpoint(VpcId=net.vpc, SubnetIds=net.subnets[:1], **wanted)
    endpoint: str = made["VpcEndpoint"]["VpcEndpointId"]
    return endpoint


def test_private_dns_needs_the_vpc_s_dns_and_brings_the_names(net: Net) -> None:
    endpoint = an_endpoint(net, PrivateDnsEnabled=False)
    with pytest.raises(ClientError, match="enableDnsHostnames"):
        net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=True)
    assert not net.endpoint(endpoint)["PrivateDnsEnabled"]

    net.ec2.modify_vpc_attribute(VpcId=net.vpc, EnableDnsHostnames={"Value": True})
    net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=True)

    found = net.endpoint(endpoint)
    assert found["PrivateDnsEnabled"]
    assert f"s3.{net.region}.amazonaws.com" in {entry["DnsName"] for entry in found["DnsEntries"]}


def test_private_dns_can_be_for_inbound_resolvers_alone(net: Net) -> None:
    only = {"PrivateDnsOnlyForInboundResolverEndpoint": True}
    endpoint = an_endpoint(net, DnsOptions=only)
    assert net.endpoint(endpoint)["DnsOptions"] == only
    everywhere = {"PrivateDnsOnlyForInboundResolverEndpoint": False}
    net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, DnsOptions=everywhere)
    assert net.endpoint(endpoint)["DnsOptions"] == everywhere


def test_an_endpoint_s_policy_can_be_set_and_reset(net: Net) -> None:
    endpoint = an_endpoint(net)
    at_first = net.endpoint(endpoint)["PolicyDocument"]
    net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=policy())
    assert net.endpoint(endpoint)["PolicyDocument"] == policy()
    net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, ResetPolicy=True)
    assert net.endpoint(endpoint)["PolicyDocument"] == at_first


def test_an_endpoint_has_one_interface_in_each_of_its_subnets(net: Net) -> None:
    endpoint = an_endpoint(net)

    def subnets() -> set[str]:
        ids = net.endpoint(endpoint)["NetworkInterfaceIds"]
        found = net.ec2.describe_network_interfaces(Filters=[{"Name": "interface-type", "Values": ["vpc_endpoint"]}])
        return {one["SubnetId"] for one in found["NetworkInterfaces"] if one["NetworkInterfaceId"] in ids}

    net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddSubnetIds=[net.subnets[1]])
    assert subnets() == set(net.subnets)
    net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSubnetIds=[net.subnets[0]])
    assert subnets() == {net.subnets[1]}
    moto_repairs.lose_endpoint_interfaces(ACCOUNT, net.region, endpoint)
    moto_repairs.set_endpoint_state(ACCOUNT, net.region, endpoint, "rejected")
    found = net.endpoint(endpoint)
    assert (found["State"], found["SubnetIds"], found["NetworkInterfaceIds"]) == ("rejected", [], [])


def test_mail_heeds_the_filter_of_its_subscription(aws: EmulatedAws) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name="filtered")["TopicArn"]
    no_asides = {"FilterPolicy": json.dumps({"aside": [{"exists": False}]})}
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="some@example.com", Attributes=no_asides)
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="all@example.com")
    some = {"cause": {"DataType": "String", "StringValue": "vpc-dns-off"}}
    aside = {"aside": {"DataType": "String", "StringValue": "true"}}
    sns.publish(TopicArn=topic, Subject="first", Message="a", MessageAttributes=some)
    sns.publish(TopicArn=topic, Subject="second", Message="b", MessageAttributes=some | aside)
    sent = [(mail["to"], mail["subject"], mail["text"]) for mail in aws.mails() if mail["to"] == "all@example.com"]
    assert sent == [("all@example.com", "first", "a"), ("all@example.com", "second", "b")]
    assert [mail["subject"] for mail in aws.mails() if mail["to"] == "some@example.com"] == ["first"]


def test_a_registry_has_cache_rules_and_its_policy_holds_as_far_as_its_scope(aws: EmulatedAws) -> None:
    ecr = aws.client("ecr", account="555555555581")
    setting = {"name": "REGISTRY_POLICY_SCOPE"}
    assert ecr.get_account_setting(**setting)["value"] == "V2"
    statement = {"Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ecr.put_registry_policy(policyText=policy)
    assert ecr.get_registry_policy()["policyText"] == policy
    ecr.put_account_setting(**setting, value="V1")
    with pytest.raises(ClientError, match="Invalid registry policy"):
        ecr.put_registry_policy(policyText=policy)

    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}
    ecr.create_pull_through_cache_rule(**rule)
    (found,) = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
    assert found == rule | {"registryId": "555555555581"}
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []

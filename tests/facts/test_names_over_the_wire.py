"""The readers of Route 53 and its Resolver against the emulated AWS, over the wire."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.emulated import moto_dns
from tests.emulated.aws import EmulatedAws
from tests.emulated.front import Kind

REGION = "eu-west-1"
ACCOUNT = "456456456456"
HUB = "654654654654"
HERE = (ACCOUNT, REGION)
API = "api.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def vpc(aws: EmulatedAws) -> str:
    found: str = aws.client("ec2", account=ACCOUNT).create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return found


@pytest.fixture
def reading(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The readers' own AWS, with credentials of the emulated account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    return Aws(boto3.Session(ACCOUNT, "secret", region_name=REGION))


def read(reading: Aws, question: q.Question[Any]) -> Any:
    fact = ask(reading, question)
    assert isinstance(fact, Known), fact
    return fact.value


def zone(aws: EmulatedAws, account: str, name: str, vpc: str) -> str:
    """A private hosted zone; its id."""
    created = aws.client("route53", account=account).create_hosted_zone(
        Name=name,
        CallerReference=f"{name}{vpc}",
        HostedZoneConfig={"PrivateZone": True},  # without it moto makes a public one, VPC or not
        VPC={"VPCRegion": REGION, "VPCId": vpc},
    )
    number: str = created["HostedZone"]["Id"].rpartition("/")[2]
    return number


def test_the_zones_of_a_vpc_whoever_owns_them(aws: EmulatedAws, reading: Aws, vpc: str) -> None:
    own = zone(aws, ACCOUNT, "ecr.eu-west-1.amazonaws.com", vpc)
    hub = zone(aws, HUB, API, vpc)
    service = zone(aws, HUB, "dkr.ecr.eu-west-1.amazonaws.com", vpc)
    moto_dns.set_zone_owner(service, "vpce.amazonaws.com")
    zone(aws, ACCOUNT, "elsewhere.example.com", "vpc-0")
    record = {"Name": f"*.{API[4:]}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.7"}]}
    aws.client("route53", account=ACCOUNT).change_resource_record_sets(
        HostedZoneId=own, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )

    found = {each.id: each for each in read(reading, q.HostedZones(*HERE, vpc, (API,)))}
    assert found.keys() == {own, hub, service}
    assert found[own].owner == ACCOUNT
    assert v.ZoneRecord("*.ecr.eu-west-1.amazonaws.com", "A", ("10.0.0.7",)) in found[own].records
    assert found[hub] == v.HostedZone(hub, API, HUB, None)
    assert found[service] == v.HostedZone(service, "dkr.ecr.eu-west-1.amazonaws.com", "vpce.amazonaws.com", ())


@pytest.mark.parametrize(
    ("action", "kind", "why"),
    [
        ("route53:ListHostedZonesByVPC", "denied", "denied"),
        ("route53:ListHostedZonesByVPC", "throttled", "throttled"),
        ("route53:ListHostedZonesByVPC", "second-page-missing", "denied"),
        ("route53:ListResourceRecordSets", "denied", "denied"),
        ("route53:ListResourceRecordSets", "second-page-missing", "denied"),
    ],
)
def test_zones_that_are_not_read_whole_are_unknown(
    aws: EmulatedAws, reading: Aws, vpc: str, action: str, kind: Kind, why: str
) -> None:
    zone(aws, ACCOUNT, "amazonaws.com", vpc)
    with aws.fault(action, kind):
        fact = ask(reading, q.HostedZones(*HERE, vpc, (API,)))
    assert isinstance(fact, Unknown)
    assert (fact.why, fact.action) == (why, action)


def test_the_resolver_rules_of_a_vpc(aws: EmulatedAws, reading: Aws, vpc: str) -> None:
    ec2 = aws.client("ec2", account=ACCOUNT)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="dns", Description="dns", VpcId=vpc)["GroupId"]
    resolver = aws.client("route53resolver", account=ACCOUNT)
    endpoint = resolver.create_resolver_endpoint(
        CreatorRequestId="out",
        Name="out",
        SecurityGroupIds=[group],
        Direction="OUTBOUND",
        IpAddresses=[{"SubnetId": subnet["SubnetId"]} for subnet in subnets],
    )["ResolverEndpoint"]["Id"]
    number = resolver.create_resolver_rule(
        CreatorRequestId="rule",
        Name="office",
        RuleType="FORWARD",
        DomainName="amazonaws.com",
        TargetIps=[{"Ip": "192.168.0.53", "Port": 53}],
        ResolverEndpointId=endpoint,
    )["ResolverRule"]["Id"]
    assert read(reading, q.ResolverRules(*HERE, vpc)) == ()

    resolver.associate_resolver_rule(ResolverRuleId=number, Name="office", VPCId=vpc)
    forward = v.ResolverRule(number, "amazonaws.com", "FORWARD", ("192.168.0.53",))
    assert read(reading, q.ResolverRules(*HERE, vpc)) == (forward,)


def test_the_dns_firewall_of_a_vpc(aws: EmulatedAws, reading: Aws, vpc: str) -> None:
    resolver = aws.client("route53resolver", account=ACCOUNT)
    own = resolver.create_firewall_domain_list(Name="allowed", CreatorRequestId="l")["FirewallDomainList"]["Id"]
    resolver.update_firewall_domains(FirewallDomainListId=own, Operation="ADD", Domains=["*.amazonaws.com"])
    aws_s = moto_dns.managed_list(ACCOUNT, REGION, "AWSManagedDomainsMalwareDomainList")
    group = resolver.create_firewall_rule_group(Name="wall", CreatorRequestId="g")["FirewallRuleGroup"]["Id"]
    rules = {"FirewallRuleGroupId": group, "CreatorRequestId": "r"}
    resolver.create_firewall_rule(
        **rules, Name="bad", FirewallDomainListId=aws_s, Priority=2, Action="BLOCK", BlockResponse="NODATA"
    )
    resolver.create_firewall_rule(**rules, Name="good", FirewallDomainListId=own, Priority=1, Action="ALLOW")
    assert read(reading, q.DnsFirewallOf(*HERE, vpc)) == v.DnsFirewall()

    association = resolver.associate_firewall_rule_group(
        FirewallRuleGroupId=group, VpcId=vpc, Priority=101, Name="a", CreatorRequestId="a"
    )["FirewallRuleGroupAssociation"]["Id"]
    assert read(reading, q.DnsFirewallOf(*HERE, vpc)) == v.DnsFirewall(
        (
            v.FirewallRule(group, 1, "ALLOW", own, domains=("*.amazonaws.com",)),
            v.FirewallRule(group, 2, "BLOCK", aws_s, "NODATA"),
        )
    )

    moto_dns.set_association_state(ACCOUNT, REGION, association, "UPDATING")
    assert isinstance(ask(reading, q.DnsFirewallOf(*HERE, vpc)), Unknown)
    resolver.delete_firewall_rule(FirewallRuleGroupId=group, FirewallDomainListId=aws_s)
    resolver.disassociate_firewall_rule_group(FirewallRuleGroupAssociationId=association)
    assert read(reading, q.DnsFirewallOf(*HERE, vpc)) == v.DnsFirewall()

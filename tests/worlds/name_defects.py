"""Defects of what answers names in a VPC: private hosted zones, DNS Firewall, and Resolver rules."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from moto.route53resolver.models import route53resolver_backends

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

_VPC = frozenset({"ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:DescribeDhcpOptions"})
_DNS = _VPC | {"ec2:DescribeVpcAttribute"}
_GROUPS = "route53resolver:ListFirewallRuleGroupAssociations"
_ASSOCIATED = "route53resolver:ListResolverRuleAssociations"
_ENDPOINTS = "ec2:DescribeVpcEndpoints"
_ZONES = _DNS | {"route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets", _GROUPS, _ASSOCIATED}
_FIREWALL = _DNS | {_GROUPS, "route53resolver:ListFirewallRules", "route53resolver:ListFirewallDomains"}
_RULES = _VPC | {_GROUPS, _ASSOCIATED, "route53resolver:GetResolverRule"}


def _registry(parts: Healthy) -> str:
    host = parts.image.partition("/")[0]
    return "registry-1.docker.io" if host == "docker.io" else host


def _api(parts: Healthy) -> str:
    return f"api.ecr.{parts.builder.region}.amazonaws.com"


def hosted_zone(parts: Healthy, name: str, *records: tuple[str, str, list[str]]) -> str:
    """A private hosted zone with these records (name, type, values), of the VPC and of another one; its id."""
    route53, builder = parts.builder.client("route53"), parts.builder
    other = parts.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    made = route53.create_hosted_zone(
        Name=name,
        CallerReference=uuid.uuid4().hex,
        VPC={"VPCRegion": builder.region, "VPCId": other},
        HostedZoneConfig={"PrivateZone": True, "Comment": ""},
    )
    zone: str = made["HostedZone"]["Id"].rsplit("/", 1)[-1]
    route53.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC={"VPCRegion": builder.region, "VPCId": builder.vpc})
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": name,
                "Type": kind,
                "TTL": 60,
                "ResourceRecords": [{"Value": value} for value in values],
            },
        }
        for name, kind, values in records
    ]
    if changes:
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    return zone


def _zone_taken_off(parts: Healthy, zone: str) -> Callable[[], None]:
    vpc = {"VPCRegion": parts.builder.region, "VPCId": parts.builder.vpc}
    return lambda: parts.builder.client("route53").disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=vpc)


# Private hosted zones


def _zone_without_the_registry(parts: Healthy) -> Broken:
    """A zone for the registry's domain, made for endpoints that went since, and left empty."""
    host = _registry(parts)
    zone = hosted_zone(parts, host.partition(".")[2])
    return Broken((zone, host), texts.no_such_host(parts.image), _zone_taken_off(parts, zone))


def _zone_of_a_whole_suffix(parts: Healthy) -> Broken:
    """A zone was made for all of AWS's hosts, and one of them was meant."""
    host = _api(parts)
    zone = hosted_zone(parts, "amazonaws.com", ("internal.amazonaws.com", "A", ["10.0.9.9"]))
    return Broken((zone, host), texts.no_such_host(parts.image, host), _zone_taken_off(parts, zone))


def _zone_over_private_dns(parts: Healthy) -> Broken:
    """The zone's name is longer than the endpoint's, so that the endpoint's private DNS is not asked."""
    host = _registry(parts)
    zone = hosted_zone(parts, host)
    return Broken((zone, host), texts.no_such_host(parts.image), _zone_taken_off(parts, zone))


# DNS Firewall


def firewall(parts: Healthy, *rules: tuple[dict[str, Any], list[str]]) -> Callable[[], None]:
    """DNS Firewall rules of the VPC, in this order, each with its domains; what takes them off the VPC again."""
    resolver, name = parts.builder.client("route53resolver"), f"rules-{uuid.uuid4().hex[:8]}"
    group = resolver.create_firewall_rule_group(CreatorRequestId=name, Name=name)["FirewallRuleGroup"]["Id"]
    for number, (rule, domains) in enumerate(rules, 1):
        listed = f"{name}-{number}"
        made = resolver.create_firewall_domain_list(CreatorRequestId=listed, Name=listed)["FirewallDomainList"]["Id"]
        resolver.update_firewall_domains(FirewallDomainListId=made, Operation="ADD", Domains=domains)
        resolver.create_firewall_rule(
            CreatorRequestId=listed,
            FirewallRuleGroupId=group,
            FirewallDomainListId=made,
            Priority=number * 10,
            Name=listed,
            **rule,
        )
    association = resolver.associate_firewall_rule_group(
        CreatorRequestId=name, FirewallRuleGroupId=group, VpcId=parts.builder.vpc, Priority=101, Name=name
    )["FirewallRuleGroupAssociation"]["Id"]

    def take_off() -> None:
        resolver.disassociate_firewall_rule_group(FirewallRuleGroupAssociationId=association)

    return take_off


NOT_THERE = {"Action": "BLOCK", "BlockResponse": "NXDOMAIN"}
NO_DATA = {"Action": "BLOCK", "BlockResponse": "NODATA"}
ALLOW = {"Action": "ALLOW"}
ALERT = {"Action": "ALERT"}


def _registry_blocked(parts: Healthy) -> Broken:
    host = _registry(parts)
    mend = firewall(parts, (NOT_THERE, [f"{host}."]))
    return Broken((host,), texts.no_such_host(parts.image), mend)


def _suffix_blocked(parts: Healthy) -> Broken:
    mend = firewall(parts, (ALERT, ["*.example.com."]), (NO_DATA, ["*.amazonaws.com."]))
    return Broken((_api(parts),), texts.no_such_host(parts.image, _api(parts)), mend)


def _walled_garden(parts: Healthy) -> Broken:
    """What is not allowed is blocked, and nobody thought of Docker Hub."""
    mend = firewall(parts, (ALLOW, ["*.amazonaws.com.", "*.example.com."]), (NOT_THERE, ["*."]))
    return Broken((_registry(parts),), texts.no_such_host(parts.image), mend)


# Resolver rules


def _outbound_endpoint(parts: Healthy) -> str:
    """The account's outbound Resolver endpoint; it may stand in any of its VPCs."""
    resolver, builder = parts.builder.client("route53resolver"), parts.builder
    known = resolver.list_resolver_endpoints()["ResolverEndpoints"]
    if known:
        return str(known[0]["Id"])
    there = {"SubnetId": builder.subnet("10.0.53.0/24", "c", None)}
    made = resolver.create_resolver_endpoint(
        CreatorRequestId="outbound",
        Name="outbound",
        Direction="OUTBOUND",
        SecurityGroupIds=[builder.task_group],
        IpAddresses=[there, there],
    )
    return str(made["ResolverEndpoint"]["Id"])


def forwarding(parts: Healthy, domain: str) -> tuple[str, Callable[[], None]]:
    """A Resolver rule of the VPC that forwards a domain to a name server on premises; what takes it off again."""
    resolver, builder = parts.builder.client("route53resolver"), parts.builder
    name = f"forward-{uuid.uuid4().hex[:8]}"
    endpoint = _outbound_endpoint(parts)
    rule = resolver.create_resolver_rule(
        CreatorRequestId=name,
        Name=name,
        RuleType="FORWARD",
        DomainName=domain,
        TargetIps=[{"Ip": "10.20.0.53", "Port": 53}],
        ResolverEndpointId=endpoint,
    )["ResolverRule"]["Id"]
    # Moto closes every domain with a dot, the root too.
    route53resolver_backends[builder.account][builder.region].resolver_rules[rule].domain_name = f"{domain.strip('.')}."
    resolver.associate_resolver_rule(ResolverRuleId=rule, Name=name, VPCId=builder.vpc)

    def take_off() -> None:
        resolver.disassociate_resolver_rule(ResolverRuleId=rule, VPCId=builder.vpc)

    return rule, take_off


def _everything_forwarded(parts: Healthy) -> Broken:
    rule, mend = forwarding(parts, ".")
    return Broken((rule, "10.20.0.53"), texts.no_such_host(parts.image), mend)


def _aws_forwarded(parts: Healthy) -> Broken:
    rule, mend = forwarding(parts, "amazonaws.com")
    return Broken((rule, "10.20.0.53"), texts.no_such_host(parts.image, _api(parts)), mend)


def _registry_forwarded(parts: Healthy) -> Broken:
    """The name of the registry alone is forwarded, past the endpoint that serves it."""
    rule, mend = forwarding(parts, _registry(parts))
    return Broken((rule, "10.20.0.53"), texts.no_such_host(parts.image), mend)


_ZONE = "private-hosted-zone-shadows"
_BLOCKED = "dns-firewall-blocks"
_FORWARDED = "resolver-rule-misroutes"

DEFECTS: dict[str, Defect] = {
    "zone-without-the-registry": Defect(_ZONE, _zone_without_the_registry, "nat", rests_on=_ZONES | {_ENDPOINTS}),
    "zone-of-a-whole-suffix": Defect(_ZONE, _zone_of_a_whole_suffix, "nat", rests_on=_ZONES | {_ENDPOINTS}),
    "zone-over-private-dns": Defect(_ZONE, _zone_over_private_dns, "endpoints", rests_on=_ZONES | {_ENDPOINTS}),
    "zone-of-docker-hub": Defect(_ZONE, _zone_without_the_registry, "nat", "docker-hub", rests_on=_ZONES),
    "firewall-blocks-the-registry": Defect(_BLOCKED, _registry_blocked, "nat", rests_on=_FIREWALL),
    "firewall-blocks-a-suffix": Defect(_BLOCKED, _suffix_blocked, "nat", rests_on=_FIREWALL),
    "firewall-walls-everything-in": Defect(_BLOCKED, _walled_garden, "nat", "docker-hub", rests_on=_FIREWALL),
    "resolver-rule-for-everything": Defect(
        _FORWARDED, _everything_forwarded, "nat", "docker-hub", certainty="likely", rests_on=_RULES
    ),
    "resolver-rule-for-aws": Defect(
        _FORWARDED, _aws_forwarded, "nat", certainty="likely", rests_on=_RULES | {_ENDPOINTS}
    ),
    "resolver-rule-for-the-registry": Defect(
        _FORWARDED, _registry_forwarded, "endpoints", certainty="likely", rests_on=_RULES | _DNS | {_ENDPOINTS}
    ),
}

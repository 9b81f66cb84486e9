"""Reads what Route 53 answers in a VPC: private hosted zones, Resolver rules, and DNS Firewall rules.

https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html. Of hosted zones only the records that can answer
for the names asked for are kept, and only addresses and names of these: a text record can hold anything. What a
Route 53 Profile brings to the VPC is in none of these answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import classify, error_code
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers

_PAGE = 100
_RECORDS_PAGE = 300
_ZONE_PAGES = {"input_token": "NextToken", "output_token": "NextToken", "result_key": "HostedZoneSummaries"}
_ESCAPED = re.compile(r"\\([0-7]{3})")
_KEPT_VALUES = ("A", "AAAA", "CNAME", "NS")
_WITHOUT_EFFECT = ("FAILED", "OVERRIDDEN")
_NEVER_MADE = "CREATION_FAILED"


@answers(questions.HostedZones, "route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets")
def hosted_zones(aws: Aws, question: questions.HostedZones) -> tuple[values.HostedZone, ...]:
    """Read the private hosted zones of a VPC, whoever owns them, and the records that can answer for the hosts.

    https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByVPC.html
    """
    return tuple(_hosted_zone(aws, question, zone) for zone in _zones(aws, question))


def _zones(aws: Aws, question: questions.HostedZones) -> Iterator[Mapping[str, Any]]:
    """Every zone of the VPC; botocore knows how to turn these pages only if it is told."""
    from botocore.paginate import Paginator  # noqa: PLC0415 - slow to import

    route53 = aws.client("route53", question.region, question.account)
    model = route53.meta.service_model.operation_model("ListHostedZonesByVPC")
    paginator: Paginator[Any] = Paginator(route53.list_hosted_zones_by_vpc, _ZONE_PAGES, model)
    for page in paginator.paginate(VPCId=question.vpc, VPCRegion=question.region):
        yield from page["HostedZoneSummaries"]


def _hosted_zone(aws: Aws, question: questions.HostedZones, zone: Mapping[str, Any]) -> values.HostedZone:
    name = _name(zone["Name"])
    account = zone["Owner"].get("OwningAccount")
    hosts = tuple(host for host in map(_name, question.hosts) if _is_under(host, name))
    return values.HostedZone(
        id=zone["HostedZoneId"],
        name=name,
        owner=account or zone["Owner"].get("OwningService"),
        records=_records(aws, question, zone["HostedZoneId"], account, hosts) if hosts else (),
    )


def _records(
    aws: Aws, question: questions.HostedZones, zone: str, account: str | None, hosts: tuple[str, ...]
) -> tuple[values.ZoneRecord, ...] | None:
    """The zone's records of these hosts, of wildcards, and of the domains above them down from the zone's own name.

    Route 53 shows a zone's records to its own account alone.
    """
    if account is None or (account != question.account and account not in aws.reader_roles):
        return None
    paginator = aws.client("route53", question.region, account).get_paginator("list_resource_record_sets")
    try:
        found = [
            _record(item)
            for page in paginator.paginate(HostedZoneId=zone, PaginationConfig={"PageSize": _RECORDS_PAGE})
            for item in page["ResourceRecordSets"]
        ]
    except ClientError as error:
        if account != question.account and classify(error) == "denied":
            return None
        raise
    return tuple(record for record in found if any(_is_under(host, record.name.removeprefix("*.")) for host in hosts))


def _record(item: Mapping[str, Any]) -> values.ZoneRecord:
    """A record; of several sets of one name and type (weighted, say) each is one."""
    kept = [each["Value"] for each in item.get("ResourceRecords", [])] if item["Type"] in _KEPT_VALUES else []
    if alias := item.get("AliasTarget"):
        kept = [alias["DNSName"]]
    return values.ZoneRecord(_name(item["Name"]), item["Type"], tuple(value.removesuffix(".") for value in kept))


def _name(text: str) -> str:
    r"""A name as it is compared. Route 53 escapes in octal: ``\052`` is the asterisk.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
    """
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text).removesuffix(".").lower()


def _is_under(host: str, domain: str) -> bool:
    """Whether the host is the domain, or a name below it; the empty domain is the root."""
    return not domain or f".{host}".endswith(f".{domain}")


@answers(questions.ResolverRules, "route53resolver:ListResolverRuleAssociations", "route53resolver:GetResolverRule")
def resolver_rules(aws: Aws, question: questions.ResolverRules) -> tuple[values.ResolverRule, ...]:
    """Read the rules that are associated with a VPC, those that another account shares among them.

    https://docs.aws.amazon.com/Route53/latest/APIReference/API_route53resolver_ListResolverRuleAssociations.html
    """
    resolver = aws.client("route53resolver", question.region, question.account)
    of_vpc = [{"Name": "VPCId", "Values": [question.vpc]}]
    associations = [
        each
        for each in _pages(resolver, "list_resolver_rule_associations", "ResolverRuleAssociations", Filters=of_vpc)
        if each["Status"] not in _WITHOUT_EFFECT
    ]
    _only_complete(associations)
    return tuple(
        _rule(resolver.get_resolver_rule(ResolverRuleId=each["ResolverRuleId"])["ResolverRule"])
        for each in associations
    )


def _rule(item: Mapping[str, Any]) -> values.ResolverRule:
    """A rule; a DELEGATE rule has the name that delegation records point to in the place of a domain."""
    targets = (target.get("Ip") or target["Ipv6"] for target in item.get("TargetIps", []))
    domain = item.get("DomainName") or item["DelegationRecord"]
    return values.ResolverRule(item["Id"], _name(domain), item["RuleType"], tuple(targets))


@answers(
    questions.DnsFirewallOf,
    "route53resolver:ListFirewallRuleGroupAssociations",
    "route53resolver:ListFirewallRules",
    "route53resolver:ListFirewallDomains",
    "route53resolver:GetFirewallDomainList",
)
def dns_firewall_of(aws: Aws, question: questions.DnsFirewallOf) -> values.DnsFirewall:
    """Read the rules of every rule group of a VPC: the group's priority orders before the rule's.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall-rule-groups.html
    """
    resolver = aws.client("route53resolver", question.region, question.account)
    groups = list(
        _pages(resolver, "list_firewall_rule_group_associations", "FirewallRuleGroupAssociations", VpcId=question.vpc)
    )
    _only_complete(groups)
    found = [
        rule
        for group in sorted(groups, key=lambda each: each["Priority"])
        for rule in sorted(
            _pages(resolver, "list_firewall_rules", "FirewallRules", FirewallRuleGroupId=group["FirewallRuleGroupId"]),
            key=lambda each: each["Priority"],
        )
        if rule.get("Status") != _NEVER_MADE
    ]
    lists = dict.fromkeys(rule["FirewallDomainListId"] for rule in found if "FirewallDomainListId" in rule)
    domains = {each: _domains(resolver, each) for each in lists}
    return values.DnsFirewall(tuple(_firewall_rule(rule, domains) for rule in found))


def _firewall_rule(item: Mapping[str, Any], domains: Mapping[str, tuple[str, ...] | None]) -> values.FirewallRule:
    """A rule; one without a list of domains, as of DNS Firewall Advanced, goes by its own id or name."""
    domain_list = item.get("FirewallDomainListId")
    return values.FirewallRule(
        group=item["FirewallRuleGroupId"],
        priority=item["Priority"],
        action=item["Action"],
        domain_list=domain_list or item.get("FirewallThreatProtectionId") or item["Name"],
        response=item.get("BlockResponse"),
        domains=domains[domain_list] if domain_list else None,
        query_type=item.get("Qtype"),
    )


def _domains(resolver: Any, domain_list: str) -> tuple[str, ...] | None:
    """The domains of a list; ``None`` where they cannot be seen: a list of AWS, or of the account that shares a group.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall-managed-domain-lists.html. A list
    without a domain counts as one that cannot be seen, as AWS does not say how it answers for its own.
    """
    try:
        found = _pages(resolver, "list_firewall_domains", "Domains", FirewallDomainListId=domain_list)
        return tuple(domain.removesuffix(".") for domain in found) or None
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException" or _is_managed(resolver, domain_list):
            return None
        raise


def _is_managed(resolver: Any, domain_list: str) -> bool:
    try:
        found = resolver.get_firewall_domain_list(FirewallDomainListId=domain_list)["FirewallDomainList"]
    except ClientError:
        return False
    return bool(found.get("ManagedOwnerName"))


def _only_complete(associations: list[Any]) -> None:
    """Raise if an association is being made, changed, or undone: nobody can say whether it is in force."""
    for each in associations:
        if each["Status"] != "COMPLETE":
            raise IncompleteAnswerError(f"the association {each['Id']} is in the state {each['Status']}")


def _pages(resolver: Any, operation: str, member: str, **asked: Any) -> Iterator[Any]:
    paginator = resolver.get_paginator(operation)
    for page in paginator.paginate(**asked, PaginationConfig={"PageSize": _PAGE}):
        yield from page[member]

"""One full answer of Route 53 and its Resolver for every question to them, with what the diagnosis makes of it."""

from __future__ import annotations

from typing import Any

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from tests.facts.botocore_world import OWN_ACCOUNT, AwsError
from tests.facts.case import HERE, PLANTED, Case

API = "api.ecr.eu-west-1.amazonaws.com"
DKR = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
OTHER_ACCOUNT = "444455556666"


def zone(name: str, number: str, **owner: str) -> dict[str, Any]:
    return {"HostedZoneId": number, "Name": name, "Owner": owner or {"OwningAccount": OWN_ACCOUNT}}


def record(name: str, kind: str, *texts: str) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": text} for text in texts]}


def alias(name: str, target: str) -> dict[str, Any]:
    to = {"HostedZoneId": "Z0", "DNSName": target, "EvaluateTargetHealth": False}
    return {"Name": name, "Type": "A", "AliasTarget": to}


RECORDS = [
    {
        "ResourceRecordSets": [
            record("amazonaws.com.", "SOA", "ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 1 7200 900 1 1"),
            record("amazonaws.com.", "TXT", f'"{PLANTED}"'),
            record("ecr.eu-west-1.amazonaws.com.", "NS", "ns1.example.com."),
            alias("api.ecr.eu-west-1.amazonaws.com.", "vpce-1.ecr.eu-west-1.vpce.amazonaws.com."),
        ],
        "IsTruncated": True,
        "NextRecordName": r"\052.dkr.ecr.eu-west-1.amazonaws.com.",
        "NextRecordType": "A",
        "MaxItems": "300",
    },
    {
        "ResourceRecordSets": [
            record(r"\052.dkr.ecr.eu-west-1.amazonaws.com.", "A", "10.0.0.7", "10.0.1.7"),
            record("logs.eu-west-1.amazonaws.com.", "A", "10.0.0.8"),
        ],
        "IsTruncated": False,
        "MaxItems": "300",
    },
]

ASSOCIATION = {"Id": "rslvr-rrassoc-1", "ResolverRuleId": "rslvr-rr-1", "VPCId": "vpc-1", "Status": "COMPLETE"}
GROUP = {"Id": "rslvr-frgassoc-1", "FirewallRuleGroupId": "rslvr-frg-1", "Priority": 101, "Status": "COMPLETE"}


def rule(priority: int, domain_list: str, action: str, **members: str) -> dict[str, Any]:
    group = "rslvr-frg-1" if priority < 100 else "rslvr-frg-2"
    return {
        "FirewallRuleGroupId": group,
        "Priority": priority,
        "FirewallDomainListId": domain_list,
        "Action": action,
        **members,
    }


CASES = (
    Case(
        q.HostedZones(*HERE, "vpc-1", (API, DKR)),
        "ListHostedZonesByVPC",
        [
            {"HostedZoneSummaries": [zone("amazonaws.com.", "Z1"), zone("corp.", "Z2")], "MaxItems": "100"},
            {
                "HostedZoneSummaries": [
                    zone("dkr.ecr.eu-west-1.amazonaws.com.", "Z3", OwningAccount=OTHER_ACCOUNT),
                    zone("api.ecr.eu-west-1.amazonaws.com.", "Z4", OwningService="vpce.amazonaws.com"),
                ],
                "MaxItems": "100",
            },
        ],
        (
            v.HostedZone(
                "Z1",
                "amazonaws.com",
                OWN_ACCOUNT,
                (
                    v.ZoneRecord("amazonaws.com", "SOA", ()),
                    v.ZoneRecord("amazonaws.com", "TXT", ()),
                    v.ZoneRecord("ecr.eu-west-1.amazonaws.com", "NS", ("ns1.example.com",)),
                    v.ZoneRecord(API, "A", ("vpce-1.ecr.eu-west-1.vpce.amazonaws.com",)),
                    v.ZoneRecord("*.dkr.ecr.eu-west-1.amazonaws.com", "A", ("10.0.0.7", "10.0.1.7")),
                ),
            ),
            v.HostedZone("Z2", "corp", OWN_ACCOUNT, ()),
            v.HostedZone("Z3", "dkr.ecr.eu-west-1.amazonaws.com", OTHER_ACCOUNT, None),
            v.HostedZone("Z4", API, "vpce.amazonaws.com", None),
        ),
        token="NextToken",
        more={"ListResourceRecordSets": RECORDS},
    ),
    Case(
        q.ResolverRules(*HERE, "vpc-1"),
        "ListResolverRuleAssociations",
        [
            {
                "ResolverRuleAssociations": [
                    ASSOCIATION,
                    {**ASSOCIATION, "Id": "rslvr-rrassoc-2", "Status": "FAILED"},
                    {**ASSOCIATION, "Id": "rslvr-rrassoc-3", "Status": "OVERRIDDEN"},
                ]
            },
            {
                "ResolverRuleAssociations": [
                    {**ASSOCIATION, "ResolverRuleId": "rslvr-autodefined-rr-internet-resolver"},
                    {**ASSOCIATION, "ResolverRuleId": "rslvr-rr-4"},
                ]
            },
        ],
        (
            v.ResolverRule("rslvr-rr-1", "amazonaws.com", "FORWARD", ("192.168.0.53", "fd00::53")),
            v.ResolverRule("rslvr-autodefined-rr-internet-resolver", "", "RECURSIVE"),
            v.ResolverRule("rslvr-rr-4", "corp.example.com", "DELEGATE"),
        ),
        token="NextToken",
        more={
            "GetResolverRule": [
                {
                    "ResolverRule": {
                        "Id": "rslvr-rr-1",
                        "DomainName": "amazonaws.com.",
                        "RuleType": "FORWARD",
                        "TargetIps": [{"Ip": "192.168.0.53", "Port": 53}, {"Ipv6": "fd00::53", "Port": 53}],
                        "ShareStatus": "SHARED_WITH_ME",
                    }
                },
                {
                    "ResolverRule": {
                        "Id": "rslvr-autodefined-rr-internet-resolver",
                        "DomainName": ".",
                        "RuleType": "RECURSIVE",
                    }
                },
                {
                    "ResolverRule": {
                        "Id": "rslvr-rr-4",
                        "DelegationRecord": "corp.example.com.",
                        "RuleType": "DELEGATE",
                    }
                },
            ]
        },
    ),
    Case(
        q.DnsFirewallOf(*HERE, "vpc-1"),
        "ListFirewallRuleGroupAssociations",
        [
            {"FirewallRuleGroupAssociations": [{**GROUP, "FirewallRuleGroupId": "rslvr-frg-2", "Priority": 9000}]},
            {"FirewallRuleGroupAssociations": [GROUP]},
        ],
        v.DnsFirewall(
            (
                v.FirewallRule("rslvr-frg-1", 10, "ALLOW", "rslvr-fdl-1", domains=("*.amazonaws.com", "corp.example")),
                v.FirewallRule("rslvr-frg-1", 20, "ALERT", "rslvr-ftp-1"),
                v.FirewallRule("rslvr-frg-1", 30, "BLOCK", "partner", "NODATA"),
                v.FirewallRule(
                    "rslvr-frg-2", 100, "BLOCK", "rslvr-fdl-1", "NXDOMAIN", ("*.amazonaws.com", "corp.example"), "AAAA"
                ),
                v.FirewallRule("rslvr-frg-2", 200, "BLOCK", "rslvr-fdl-2", "OVERRIDE"),
            )
        ),
        token="NextToken",
        more={
            "ListFirewallRules": [
                {
                    "FirewallRules": [
                        {
                            "FirewallRuleGroupId": "rslvr-frg-1",
                            "Name": "partner",
                            "Priority": 30,
                            "Action": "BLOCK",
                            "BlockResponse": "NODATA",
                            "FirewallRuleType": {"PartnerThreatProtection": {"Partner": "x"}},
                            "Status": "COMPLETE",
                        },
                        rule(10, "rslvr-fdl-1", "ALLOW"),
                    ],
                    "NextToken": "2",
                },
                {
                    "FirewallRules": [
                        {
                            "FirewallRuleGroupId": "rslvr-frg-1",
                            "FirewallThreatProtectionId": "rslvr-ftp-1",
                            "Name": "tunnels",
                            "Priority": 20,
                            "Action": "ALERT",
                            "DnsThreatProtection": "DNS_TUNNELING",
                        },
                        rule(40, "rslvr-fdl-9", "BLOCK", Status="CREATION_FAILED"),
                    ]
                },
                {
                    "FirewallRules": [
                        rule(100, "rslvr-fdl-1", "BLOCK", BlockResponse="NXDOMAIN", Qtype="AAAA"),
                        rule(200, "rslvr-fdl-2", "BLOCK", BlockResponse="OVERRIDE"),
                    ]
                },
            ],
            "ListFirewallDomains": [
                {"Domains": ["*.amazonaws.com."], "NextToken": "2"},
                {"Domains": ["corp.example."]},
                AwsError("AccessDeniedException", status=403),
            ],
            "GetFirewallDomainList": [
                {"FirewallDomainList": {"Id": "rslvr-fdl-2", "ManagedOwnerName": "Route 53 Resolver DNS Firewall"}}
            ],
        },
    ),
)

"""A rule of Route 53 Resolver DNS Firewall blocks lookups of a host that the pull needs.

DNS Firewall stands before the VPC's own resolver. Its rules are tried by their priority, and the first one whose list
has the name decides: to let the lookup through, to alert, or to block it. A blocked lookup is answered with "no such
host", with nothing, or with a name of the rule's own. The pull fails before any connection is opened.

What mends it: the name in a list that is allowed before the rule, or out of the list that is blocked.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall-rules.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.shared.network.lookups import no_lookup
from pull_doctor.causes.shared.network.paths import broken_by, hop_evidence, hosts, spoken_of, still_there, undecided
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import DnsFirewall, FirewallRule, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.lookups import firewall_rule, matches
from pull_doctor.network.names import query_type
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "dns-firewall-blocks"


def check(
    *, task: Task, symptom: Symptom, puller: Puller, vpc: Vpc, traces: tuple[Trace, ...], service: Fact[Service | None]
) -> Outcome:
    if vpc.dns_firewall is None:
        return no_lookup(symptom)
    broken = broken_by(CAUSE, traces)
    if not broken:
        names = " and ".join(dict.fromkeys(trace.host for trace in traces))
        return undecided(("name",), traces) or Ok(f"no DNS Firewall rule of {vpc.id} blocks {names}")
    assert isinstance(vpc.dns_firewall, Known)
    firewall, host = vpc.dns_firewall.value, spoken_of(broken, symptom).host
    _, rule = firewall_rule(host, firewall, query_type(puller))
    assert rule is not None
    culprit = make(task.place, "AWS::Route53Resolver::FirewallRuleGroup", rule.group)
    pattern = next(one for one in rule.domains or () if matches(host, one))
    answer = f" with {rule.response}" if rule.response else ""
    return Problem(
        title="DNS Firewall blocks the registry's name",
        explanation=(
            f"{rule.group} is associated with {vpc.id}, and its rule of priority {rule.priority} blocks {pattern}, "
            f"which has {hosts(broken)}. The VPC's resolver answers the lookup{answer}, and no connection is opened."
        ),
        culprit=culprit,
        evidence=(
            Evidence(f"{rule.domain_list} of {rule.group} in {vpc.id} has the domain {pattern}", "fact", (culprit,)),
            *hop_evidence(broken),
        ),
        fixes=_fixes(task, vpc, firewall, rule, pattern, tuple(dict.fromkeys(trace.host for trace in broken))),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _fixes(
    task: Task, vpc: Vpc, firewall: DnsFirewall, rule: FirewallRule, pattern: str, blocked: tuple[str, ...]
) -> tuple[Fix, ...]:
    """The names into a list that is allowed before the rule, else the pattern out of its list; or an alert alone."""
    place = task.place
    before = firewall.rules[: firewall.rules.index(rule)]
    allowed = next((one for one in before if one.action == "ALLOW" and one.domains is not None), None)
    everywhere = f"wherever the list is used, {vpc.id} among it"
    fixes = []
    if allowed:
        change = {"FirewallDomainListId": allowed.domain_list, "Operation": "ADD", "Domains": list(blocked)}
        fixes.append(
            Fix(
                f"allow the names by {allowed.domain_list}, which is tried before",
                "your-call",
                place.account,
                place.region,
                (AwsCommand("route53resolver", "UpdateFirewallDomains", change),),
                effect=f"lookups of {' and '.join(blocked)} pass {everywhere}",
            )
        )
    elif pattern != "*":
        change = {"FirewallDomainListId": rule.domain_list, "Operation": "REMOVE", "Domains": [pattern]}
        fixes.append(
            Fix(
                f"take {pattern} out of {rule.domain_list}",
                "your-call",
                place.account,
                place.region,
                (AwsCommand("route53resolver", "UpdateFirewallDomains", change),),
                effect=f"lookups of {pattern} pass {everywhere}",
            )
        )
    alert = {"FirewallRuleGroupId": rule.group, "FirewallDomainListId": rule.domain_list, "Action": "ALERT"}
    if rule.query_type:
        alert["Qtype"] = rule.query_type
    return (
        *fixes,
        Fix(
            "let the rule alert instead of block",
            "your-call",
            place.account,
            place.region,
            (AwsCommand("route53resolver", "UpdateFirewallRule", alert),),
            effect=f"nothing that {rule.domain_list} has is blocked any more wherever {rule.group} is associated",
        ),
    )

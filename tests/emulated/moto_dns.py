"""Where moto's Route 53 and Resolver differ from AWS in what a VPC's names depend on; DNS Firewall it has none."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.route53.models import Route53Backend, route53_backends
from moto.route53resolver.exceptions import ResourceNotFoundException
from moto.route53resolver.responses import Route53ResolverResponse

_numbers = itertools.count(1)
_MANAGED_OWNER = "Route 53 Resolver DNS Firewall"


@dataclass
class _Firewall:
    """DNS Firewall of one account and Region: its lists, groups, rules, and associations, as AWS shows them."""

    lists: dict[str, dict[str, Any]] = field(default_factory=dict)
    domains: dict[str, list[str]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    associations: dict[str, dict[str, Any]] = field(default_factory=dict)


_firewalls: defaultdict[tuple[str, str], _Firewall] = defaultdict(_Firewall)


def managed_list(account: str, region: str, name: str) -> str:
    """Let AWS manage a domain list of this name; returns its id.

    Its domains cannot be seen. How AWS refuses to list them is not documented; here it is a denial.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall-managed-domain-lists.html
    """
    firewall = _firewalls[account, region]
    number = f"rslvr-fdl-{next(_numbers):017x}"
    firewall.lists[number] = {"Id": number, "Name": name, "ManagedOwnerName": _MANAGED_OWNER}
    return number


def set_zone_owner(zone: str, owner: str) -> None:
    """Let an AWS service own a private hosted zone, as ``vpce.amazonaws.com`` does an endpoint's."""
    for _, each in _all_zones():
        if each.resource_id == zone.rpartition("/")[2]:
            each.owning_service = owner


def set_association_state(account: str, region: str, association: str, state: str) -> None:
    """Let the association of a firewall rule group be ``UPDATING``, ``DELETING`` or ``COMPLETE``."""
    _firewalls[account, region].associations[association]["Status"] = state


def repair() -> None:
    """Patch moto."""
    _zones_of_every_account_are_listed()
    for operation in (
        _create_firewall_domain_list,
        _update_firewall_domains,
        _get_firewall_domain_list,
        _list_firewall_domains,
        _create_firewall_rule_group,
        _create_firewall_rule,
        _update_firewall_rule,
        _delete_firewall_rule,
        _list_firewall_rules,
        _associate_firewall_rule_group,
        _disassociate_firewall_rule_group,
        _list_firewall_rule_group_associations,
    ):
        setattr(Route53ResolverResponse, operation.__name__.removeprefix("_"), _answered(operation))


def _all_zones() -> list[tuple[str, Any]]:
    """Every hosted zone with the account that owns it."""
    return [
        (backend.account_id, zone)
        for partitions in route53_backends.values()
        for backend in partitions.values()
        for zone in backend.zones.values()
    ]


def _zones_of_every_account_are_listed() -> None:
    """A VPC's zones are listed whoever owns them.

    https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByVPC.html
    """

    def zones(_: Any, vpc_id: str) -> list[dict[str, Any]]:
        return [
            {
                "HostedZoneId": zone.resource_id,
                "Name": zone.name,
                "Owner": {"OwningService": zone.owning_service}
                if hasattr(zone, "owning_service")
                else {"OwningAccount": account},
            }
            for account, zone in _all_zones()
            if zone.private_zone and any(vpc["vpc_id"] == vpc_id for vpc in zone.vpcs)
        ]

    Route53Backend.list_hosted_zones_by_vpc = zones  # type: ignore[assignment,method-assign] # the repair


Operation = Callable[[_Firewall, dict[str, Any]], dict[str, Any]]


def _answered(operation: Operation) -> Callable[[Any], str]:
    def answer(self: Any) -> str:
        return json.dumps(operation(_firewalls[self.current_account, self.region], json.loads(self.body)))

    return answer


def _create_firewall_domain_list(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    number = f"rslvr-fdl-{next(_numbers):017x}"
    firewall.lists[number] = {"Id": number, "Name": asked["Name"], "Status": "COMPLETE", "DomainCount": 0}
    firewall.domains[number] = []
    return {"FirewallDomainList": firewall.lists[number]}


def _update_firewall_domains(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    number = asked["FirewallDomainListId"]
    kept = [] if asked["Operation"] == "REPLACE" else firewall.domains[number]
    given = [f"{domain.removesuffix('.')}." for domain in asked["Domains"]]
    firewall.domains[number] = [each for each in kept if each not in given]
    if asked["Operation"] != "REMOVE":
        firewall.domains[number] += given
    firewall.lists[number]["DomainCount"] = len(firewall.domains[number])
    return {"Id": number, "Name": firewall.lists[number]["Name"], "Status": "COMPLETE"}


def _get_firewall_domain_list(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    return {"FirewallDomainList": _found(firewall.lists, asked["FirewallDomainListId"])}


def _list_firewall_domains(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    if "ManagedOwnerName" in _found(firewall.lists, asked["FirewallDomainListId"]):
        raise JsonRESTError("AccessDeniedException", "the domains of a managed list cannot be listed")
    return {"Domains": firewall.domains[asked["FirewallDomainListId"]]}


def _create_firewall_rule_group(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    number = f"rslvr-frg-{next(_numbers):017x}"
    firewall.groups[number] = {"Id": number, "Name": asked["Name"], "Status": "COMPLETE"}
    return {"FirewallRuleGroup": firewall.groups[number]}


def _create_firewall_rule(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    rule = {name: value for name, value in asked.items() if name != "CreatorRequestId"}
    firewall.rules.append(rule)
    return {"FirewallRule": rule}


def _update_firewall_rule(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    names = ("FirewallRuleGroupId", "FirewallDomainListId")
    rule = next(each for each in firewall.rules if all(each[name] == asked[name] for name in names))
    rule |= asked
    return {"FirewallRule": rule}


def _delete_firewall_rule(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    rule = next(each for each in firewall.rules if asked.items() <= each.items())
    firewall.rules.remove(rule)
    return {"FirewallRule": rule}


def _list_firewall_rules(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    _found(firewall.groups, asked["FirewallRuleGroupId"])
    rules = [each for each in firewall.rules if each["FirewallRuleGroupId"] == asked["FirewallRuleGroupId"]]
    return {"FirewallRules": rules}


def _associate_firewall_rule_group(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    number = f"rslvr-frgassoc-{next(_numbers):017x}"
    kept = ("FirewallRuleGroupId", "VpcId", "Priority", "Name")
    firewall.associations[number] = {"Id": number, "Status": "COMPLETE"} | {name: asked[name] for name in kept}
    return {"FirewallRuleGroupAssociation": firewall.associations[number]}


def _disassociate_firewall_rule_group(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "FirewallRuleGroupAssociation": firewall.associations.pop(asked["FirewallRuleGroupAssociationId"])
        | {"Status": "DELETING"}
    }


def _list_firewall_rule_group_associations(firewall: _Firewall, asked: dict[str, Any]) -> dict[str, Any]:
    of_vpc = [each for each in firewall.associations.values() if each["VpcId"] == asked.get("VpcId", each["VpcId"])]
    return {"FirewallRuleGroupAssociations": of_vpc}


def _found(things: dict[str, Any], number: str) -> Any:
    if number not in things:
        raise ResourceNotFoundException(f"[RSLVR-02020] Cannot find {number}")
    return things[number]

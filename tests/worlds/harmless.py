"""Accounts that look broken in one place and are not: nobody may be accused of anything there.

``build_harmless(aws, "nat-by-halves")`` is a healthy account with that peculiarity, and a task that failed with a text
of the network all the same, as after a fault that passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.emulated import moto_dns
from tests.emulated.aws import EmulatedAws
from tests.worlds import harmless_rights, texts
from tests.worlds.access_defects import block, exclude
from tests.worlds.defects import broken_world
from tests.worlds.endpoint_defects import resolve_by
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.ipv6_defects import NAT64_ADDRESS
from tests.worlds.name_defects import ALERT, ALLOW, NOT_THERE, firewall, forwarding, hosted_zone
from tests.worlds.path_defects import ALL, HTTPS
from tests.worlds.platform_defects import OLD_LINUX, WINDOWS, WINDOWS_REPLIES, let_replies_in
from tests.worlds.region_defects import endpoints_of_another_region, image_of_another_region
from tests.worlds.route_defects import ANYWHERE, HALVES, advertised_default, default_route
from tests.worlds.store_defects import inject_a_secret
from tests.worlds.world import Endpoints, World

Change = Callable[[Healthy], object]


def _nothing(_: Healthy) -> None:
    """The account is as it is."""


def _nat_by_halves(parts: Healthy) -> None:
    default_route(parts)
    for half in HALVES:
        parts.ec2.create_route(RouteTableId=parts.table, DestinationCidrBlock=half, NatGatewayId=parts.nat)


def _nat_by_a_prefix_list(parts: Healthy) -> None:
    default_route(parts)
    made = parts.ec2.create_managed_prefix_list(
        PrefixListName="everything", AddressFamily="IPv4", MaxEntries=5, Entries=[{"Cidr": ANYWHERE}]
    )["PrefixList"]["PrefixListId"]
    parts.ec2.create_route(RouteTableId=parts.table, DestinationPrefixListId=made, NatGatewayId=parts.nat)


def _regional_nat(parts: Healthy) -> None:
    made = parts.ec2.create_nat_gateway(VpcId=parts.builder.vpc, AvailabilityMode="regional")["NatGateway"]
    default_route(parts, NatGatewayId=made["NatGatewayId"])


def _filtered_beside(parts: Healthy) -> None:
    """Routes of a Route Server that EC2 does not use, beside the one to the NAT gateway."""
    advertised_default(parts, "filtered")


def _image_of_another_region(parts: Healthy) -> None:
    """By that Region's endpoints, for the layers too."""
    image_of_another_region(parts)
    parts.endpoints = endpoints_of_another_region(parts, parts.endpoints.group, "ecr.api", "ecr.dkr", "s3")


def _zones_of_the_endpoints(parts: Healthy) -> None:
    """Private DNS of an endpoint is a hosted zone that AWS owns, and whose records it does not show."""
    region = parts.builder.region
    for domain in (f"api.ecr.{region}.amazonaws.com", f"dkr.ecr.{region}.amazonaws.com"):
        moto_dns.set_zone_owner(hosted_zone(parts, domain), "vpce.amazonaws.com")


def _blackhole_elsewhere(parts: Healthy) -> None:
    interface = parts.ec2.create_network_interface(SubnetId=parts.subnet)["NetworkInterface"]["NetworkInterfaceId"]
    parts.ec2.create_route(
        RouteTableId=parts.table, DestinationCidrBlock="192.168.0.0/16", NetworkInterfaceId=interface
    )
    parts.ec2.delete_network_interface(NetworkInterfaceId=interface)


def _hostnames_off(parts: Healthy) -> None:
    parts.ec2.modify_vpc_attribute(VpcId=parts.builder.vpc, EnableDnsHostnames={"Value": False})


def _resolver_by_its_address(parts: Healthy) -> None:
    resolve_by(parts, "10.0.0.2")


def _endpoints_in_another_zone(parts: Healthy) -> None:
    builder = parts.builder
    parts.ec2.delete_vpc_endpoints(VpcEndpointIds=[parts.endpoint_ids[one] for one in ("ecr.api", "ecr.dkr")])
    elsewhere, group = builder.subnet("10.0.2.0/24", "b", None), parts.endpoints.group
    api, dkr = (builder.interface_endpoint(service, elsewhere, group) for service in ("ecr.api", "ecr.dkr"))
    parts.endpoints = Endpoints(group, api, dkr)


def _only_what_is_needed(parts: Healthy) -> None:
    """The task's group lets out to the endpoints' group and to S3's prefix list, and to nothing else."""
    group, name = parts.builder.task_group, f"com.amazonaws.{parts.builder.region}.s3"
    lists = parts.ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [name]}])["PrefixLists"]
    parts.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=ALL)
    parts.ec2.authorize_security_group_egress(
        GroupId=group,
        IpPermissions=[
            HTTPS
            | {
                "UserIdGroupPairs": [{"GroupId": parts.endpoints.group}],
                "PrefixListIds": [{"PrefixListId": lists[0]["PrefixListId"]}],
            }
        ],
    )


def _acl_with_what_is_needed(parts: Healthy) -> None:
    acl = parts.builder.acl_without_replies(parts.subnet)
    parts.ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=200,
        Egress=False,
        Protocol="6",
        RuleAction="allow",
        CidrBlock=ANYWHERE,
        PortRange={"From": 1024, "To": 65535},
    )


def _zone_that_leads_to_the_endpoint(parts: Healthy) -> None:
    """The registry's endpoint has no private DNS, and a hosted zone that leads to it."""
    parts.ec2.modify_vpc_endpoint(VpcEndpointId=parts.endpoint_ids["ecr.dkr"], PrivateDnsEnabled=False)
    domain = f"dkr.ecr.{parts.builder.region}.amazonaws.com"
    hosted_zone(parts, domain, (f"*.{domain}", "A", [parts.endpoints.dkr]))


def _zone_of_another_name(parts: Healthy) -> None:
    hosted_zone(parts, "corp.example", ("registry.corp.example", "A", ["10.0.1.200"]))


def _firewall_that_alerts(parts: Healthy) -> None:
    firewall(parts, (ALERT, ["*.amazonaws.com."]), (NOT_THERE, ["*."]))


def _firewall_that_allows_first(parts: Healthy) -> None:
    firewall(parts, (ALLOW, ["*.amazonaws.com."]), (NOT_THERE, ["*."]))


def _rule_for_another_name(parts: Healthy) -> None:
    forwarding(parts, "corp.example")


def _inward_blocked(parts: Healthy) -> None:
    block(parts, "block-ingress")


def _blocked(parts: Healthy) -> None:
    block(parts, "block-bidirectional")


def _blocked_but_for_the_vpc(parts: Healthy) -> None:
    block(parts, "block-bidirectional")
    exclude(parts, "allow-bidirectional", VpcId=parts.builder.vpc)


def _replies_to_windows(parts: Healthy) -> None:
    let_replies_in(parts, WINDOWS_REPLIES)


def _without_the_api_endpoint(parts: Healthy) -> None:
    parts.ec2.delete_vpc_endpoints(VpcEndpointIds=[parts.endpoint_ids["ecr.api"]])


def _secret_by_an_endpoint(parts: Healthy) -> None:
    parts.builder.interface_endpoint("secretsmanager", parts.subnet, parts.endpoints.group)
    inject_a_secret(parts)


def _unbroken(change: Change, *, lookup: bool = False) -> Callable[[Healthy], Broken]:
    """Make the change and break nothing; ``lookup``: the text is of a name that was not found."""

    def breaks(parts: Healthy) -> Broken:
        change(parts)
        version, endpoints = parts.options.platform_version, parts.endpoints
        text = (
            texts.no_such_host(parts.image)
            if lookup
            else texts.timeout(parts.image, version, endpoints.api, endpoints.dkr)
            if endpoints.api
            else texts.timeout(parts.image, version)
        )
        return Broken((), text, lambda: None)

    return breaks


def _ipv6_alone(parts: Healthy) -> Broken:
    """DNS64 and NAT64 do what they should."""
    return Broken((), texts.manifest_timeout(parts.image, NAT64_ADDRESS), lambda: None)


_AS_IT_IS = _unbroken(_nothing)
_NAT = Defect("", _AS_IT_IS, "nat")
_ENDPOINTS = Defect("", _AS_IT_IS, "endpoints")
_PUBLIC = Defect("", _AS_IT_IS, "public")

HARMLESS: dict[str, Defect] = {
    "nat-by-halves": replace(_NAT, breaks=_unbroken(_nat_by_halves)),
    "nat-by-a-prefix-list": replace(_NAT, breaks=_unbroken(_nat_by_a_prefix_list)),
    "regional-nat": replace(_NAT, breaks=_unbroken(_regional_nat)),
    "filtered-route-beside-nat": replace(_NAT, breaks=_unbroken(_filtered_beside)),
    "blackhole-elsewhere": replace(_NAT, breaks=_unbroken(_blackhole_elsewhere)),
    "hostnames-off-behind-nat": replace(_NAT, breaks=_unbroken(_hostnames_off)),
    "resolver-by-its-address": replace(_NAT, breaks=_unbroken(_resolver_by_its_address)),
    "acl-with-what-is-needed": replace(_NAT, breaks=_unbroken(_acl_with_what_is_needed)),
    "endpoints-in-another-zone": replace(_ENDPOINTS, breaks=_unbroken(_endpoints_in_another_zone)),
    "endpoints-of-another-region": replace(_ENDPOINTS, breaks=_unbroken(_image_of_another_region)),
    "zones-of-the-endpoints": replace(_ENDPOINTS, breaks=_unbroken(_zones_of_the_endpoints)),
    "egress-to-what-is-needed": replace(_ENDPOINTS, breaks=_unbroken(_only_what_is_needed)),
    "zone-that-leads-to-the-endpoint": replace(_ENDPOINTS, breaks=_unbroken(_zone_that_leads_to_the_endpoint)),
    "zone-of-another-name": replace(_NAT, breaks=_unbroken(_zone_of_another_name, lookup=True)),
    "firewall-that-alerts": replace(_NAT, breaks=_unbroken(_firewall_that_alerts, lookup=True)),
    "firewall-that-allows-first": replace(_NAT, breaks=_unbroken(_firewall_that_allows_first, lookup=True)),
    "resolver-rule-for-another-name": replace(_NAT, breaks=_unbroken(_rule_for_another_name, lookup=True)),
    "inward-blocked-behind-nat": replace(_NAT, breaks=_unbroken(_inward_blocked), own_account=True),
    "blocked-and-excluded": replace(_PUBLIC, breaks=_unbroken(_blocked_but_for_the_vpc), own_account=True),
    "blocked-with-endpoints": replace(_ENDPOINTS, breaks=_unbroken(_blocked), own_account=True),
    "secret-by-an-endpoint": replace(_ENDPOINTS, breaks=_unbroken(_secret_by_an_endpoint)),
    "ipv6-alone": Defect("", _ipv6_alone, "ipv6"),
    "on-ec2": replace(_NAT, host="bridge"),
    "on-ec2-awsvpc": replace(_NAT, host="awsvpc"),
    "on-ec2-in-public": replace(_PUBLIC, host="host"),
    "on-ec2-with-endpoints": replace(_ENDPOINTS, host="awsvpc"),
    **harmless_rights.HARMLESS,
    "on-ec2-with-the-instance-role": replace(_ENDPOINTS, host="bridge", instance_role=True),
    "on-managed-instances": replace(_NAT, host="awsvpc", launch_type="MANAGED_INSTANCES"),
    "on-managed-instances-with-endpoints": replace(_ENDPOINTS, host="host", launch_type="MANAGED_INSTANCES"),
    "on-windows": replace(_ENDPOINTS, platform=WINDOWS),
    "replies-to-windows-alone": replace(_NAT, breaks=_unbroken(_replies_to_windows), platform=WINDOWS),
    "on-1.3.0": replace(_NAT, platform=OLD_LINUX),
    "without-the-api-endpoint-on-1.3.0": replace(
        _ENDPOINTS, breaks=_unbroken(_without_the_api_endpoint), platform=OLD_LINUX
    ),
}


def build_harmless(aws: EmulatedAws, name: str) -> World:
    """The healthy account with this peculiarity."""
    world = broken_world(aws, [HARMLESS[name]])
    world.cause, world.name = None, name
    return world

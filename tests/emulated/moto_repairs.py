"""Where moto's EC2 and ECR differ from AWS in what a pull depends on: each repair is one patched method.

Installed once, when the emulated AWS starts. What only time or AWS itself brings about is the world's to set:
``set_nat_state``, ``forget_nat_gateway``, ``set_route_state``, ``set_endpoint_state``, ``lose_endpoint_interfaces``.
``moto_ways_out`` has the repairs of IPv6, prefix lists, regional NAT gateways and instances,
``moto_block_public_access`` what its name says, ``moto_dns`` those of Route 53 and its Resolver, ``moto_registry``
those of ECR's registries, and ``moto_images`` those of the images in them.
"""

from __future__ import annotations

import itertools
import json
from functools import cache
from ipaddress import ip_address
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends, elastic_ip_addresses
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.managed_prefixes import ManagedPrefixList
from moto.ec2.models.route_tables import Route
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses.vpcs import VPCs
from moto.ecr.models import ecr_backends

from tests.emulated import moto_block_public_access, moto_dns, moto_images, moto_registry, moto_ways_out

_PRIVATE_NAMES = {
    "ecr.api": ("api.ecr.{region}.amazonaws.com",),
    "ecr.dkr": ("{region}.dkr.ecr.amazonaws.com", "*.dkr.ecr.{region}.amazonaws.com"),
    "logs": ("logs.{region}.amazonaws.com",),
    "secretsmanager": ("secretsmanager.{region}.amazonaws.com",),
    "ssm": ("ssm.{region}.amazonaws.com",),
    "s3": ("s3.{region}.amazonaws.com", "*.s3.{region}.amazonaws.com"),
}
"""The names that an interface endpoint answers with private DNS on, by the end of the service's name."""


@cache
def repair() -> None:
    """Patch moto; a second call does nothing."""
    _endpoints_own_their_interfaces()
    _endpoints_follow_changes()
    _a_vpc_has_dhcp_options()
    _routes_to_nothing_are_blackholes()
    _groups_and_acls_have_what_aws_gives_them()
    _a_subnet_has_one_route_table()
    _addresses_are_public()
    moto_ways_out.repair()
    moto_block_public_access.repair()
    moto_dns.repair()
    moto_registry.repair()
    moto_images.repair()


def _private_names(endpoint: Any, region: str) -> list[dict[str, str]]:
    patterns = next((names for end, names in _PRIVATE_NAMES.items() if endpoint.service_name.endswith("." + end)), ())
    return [{"dns_name": name.format(region=region), "hosted_zone_id": "ZPRIVATE"} for name in patterns]


def _hold_together(backend: Any, endpoint: Any) -> None:
    """Give the endpoint's interfaces its groups and an address of their subnet, and its DNS entries their names."""
    groups = endpoint.security_group_ids or [backend.get_default_security_group(endpoint.vpc_id).id]
    endpoint.security_group_ids = list(groups)
    for interface_id in endpoint.network_interface_ids:
        interface = backend.enis[interface_id]
        interface._group_set = [backend.get_security_group_from_id(group) for group in groups]
        interface.interface_type = "vpc_endpoint"
        interface.description = f"VPC Endpoint Interface {endpoint.id}"
        interface.requester_managed = True
        interface.status = "in-use"
    own = [entry for entry in endpoint.dns_entries if entry["dns_name"].startswith("vpce-")]
    own[0]["dns_name"] = (
        f"{endpoint.id}-0a1b2c3d.{endpoint.service_name.split('.', 3)[3]}.{backend.region_name}.vpce.amazonaws.com"
    )
    # com.amazonaws.REGION.SERVICE: the service may be another Region's.
    names = _private_names(endpoint, endpoint.service_name.split(".")[2]) if endpoint.private_dns_enabled else []
    endpoint.dns_entries = own + names


def _endpoints_own_their_interfaces() -> None:
    create, create_interface = EC2Backend.create_vpc_endpoint, EC2Backend.create_network_interface

    def create_in_the_subnet(self: Any, subnet: Any, private_ip_address: Any, *more: Any, **named: Any) -> Any:
        subnet = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        if subnet.ipv6_native:
            private_ip_address = None
        elif not private_ip_address or ip_address(private_ip_address) not in subnet.cidr:
            private_ip_address = subnet.get_available_subnet_ip(None)
        return create_interface(self, subnet, private_ip_address, *more, **named)

    def create_endpoint(self: Any, *more: Any, **named: Any) -> Any:
        endpoint = create(self, *more, **named)
        if (endpoint.vpc_endpoint_type or "").lower() == "interface":
            _hold_together(self, endpoint)
        else:
            endpoint.vpc_endpoint_type, endpoint.private_dns_enabled = "Gateway", False
        return endpoint

    EC2Backend.create_network_interface = create_in_the_subnet  # type: ignore[method-assign] # the repair
    EC2Backend.create_vpc_endpoint = create_endpoint  # type: ignore[method-assign] # the repair


def _endpoints_follow_changes() -> None:
    modify, answer_modify, answer_create = (
        EC2Backend.modify_vpc_endpoint,
        VPCs.modify_vpc_endpoint,
        VPCs.create_vpc_endpoint,
    )

    def modify_endpoint(self: Any, vpc_id: str, *more: Any, **named: Any) -> None:
        endpoint = self.vpc_end_points[vpc_id]
        before = set(endpoint.route_table_ids)
        modify(self, vpc_id, *more, **named)
        prefix_list = endpoint.destination_prefix_list_id
        for table in set(endpoint.route_table_ids) - before:
            self.create_route(table, None, gateway_id=vpc_id, destination_prefix_list_id=prefix_list)
        for table in before - set(endpoint.route_table_ids):
            self.delete_route(table, prefix_list)
        if endpoint.vpc_endpoint_type == "Interface":
            _one_interface_a_subnet(self, endpoint)
            _hold_together(self, endpoint)

    def modify_with_all_members(self: Any) -> Any:
        backend = self.ec2_backend
        endpoint = backend.vpc_end_points[self._get_param("VpcEndpointId")]
        private_dns = self._get_bool_param("PrivateDnsEnabled")
        if private_dns:
            _refuse_private_dns_without_dns(backend.get_vpc(endpoint.vpc_id))
        if private_dns is not None:
            endpoint.private_dns_enabled = private_dns
        if self._get_bool_param("ResetPolicy"):
            endpoint.policy_document = json.dumps(VPCEndPoint.DEFAULT_POLICY)
        _take_dns_options(self, endpoint)
        answer: Any = answer_modify(self)
        moto_ways_out.give_endpoint_its_families(self, endpoint)
        return answer

    def create_with_all_members(self: Any) -> Any:
        answer: Any = answer_create(self)
        answer.result["VpcEndpoint"].service_region = self._get_param("ServiceRegion") or self.region
        _take_dns_options(self, answer.result["VpcEndpoint"])
        moto_ways_out.give_endpoint_its_families(self, answer.result["VpcEndpoint"])
        return answer

    EC2Backend.modify_vpc_endpoint = modify_endpoint  # type: ignore[method-assign] # the repair
    VPCs.modify_vpc_endpoint = modify_with_all_members  # type: ignore[method-assign] # the repair
    VPCs.create_vpc_endpoint = create_with_all_members  # type: ignore[method-assign] # the repair


def _one_interface_a_subnet(backend: Any, endpoint: Any) -> None:
    """Give a subnet that was added to the endpoint an interface, and take that of a removed one away."""
    interfaces = {backend.enis[one].subnet.id: one for one in endpoint.network_interface_ids if one in backend.enis}
    for subnet in set(interfaces) - set(endpoint.subnet_ids):
        backend.delete_network_interface(interfaces.pop(subnet))
    for subnet in endpoint.subnet_ids:
        if subnet not in interfaces:
            interfaces[subnet] = backend.create_network_interface(subnet, None).id
    endpoint.network_interface_ids = list(interfaces.values())


def _refuse_private_dns_without_dns(vpc: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html."""
    if not all(str(value).lower() == "true" for value in (vpc.enable_dns_support, vpc.enable_dns_hostnames)):
        raise EC2ClientError(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}",
        )


def _take_dns_options(request: Any, endpoint: Any) -> None:
    """Keep the one option that a pull depends on."""
    only = (request._get_param("DnsOptions") or {}).get("PrivateDnsOnlyForInboundResolverEndpoint")
    if only is not None:
        endpoint.dns_options = {"PrivateDnsOnlyForInboundResolverEndpoint": only}


def _a_vpc_has_dhcp_options() -> None:
    """Every VPC starts with the Region's default option set, which names Amazon's own resolver.

    https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
    """
    create_vpc, delete_vpc = EC2Backend.create_vpc, EC2Backend.delete_vpc

    def create_vpc_with_options(self: Any, *more: Any, **named: Any) -> Any:
        vpc = create_vpc(self, *more, **named)
        if not hasattr(self, "_default_dhcp_options"):
            domain = "ec2.internal" if self.region_name == "us-east-1" else f"{self.region_name}.compute.internal"
            self._default_dhcp_options = self.create_dhcp_options(
                domain_name_servers=["AmazonProvidedDNS"], domain_name=[domain]
            )
        self.associate_dhcp_options(self._default_dhcp_options, vpc)
        return vpc

    def delete_vpc_alone(self: Any, vpc_id: str) -> Any:
        self.vpcs[vpc_id].dhcp_options = None  # moto would delete the set with it
        return delete_vpc(self, vpc_id)

    EC2Backend.create_vpc = create_vpc_with_options  # type: ignore[method-assign] # the repair
    EC2Backend.delete_vpc = delete_vpc_alone  # type: ignore[method-assign] # the repair


def _routes_to_nothing_are_blackholes() -> None:
    """A route whose target is deleted or detached stays, as a blackhole, until the target is back.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
    """

    def state(self: Any) -> str:
        backend = self.route_table.ec2_backend
        vpc = backend.vpcs.get(self.route_table.vpc_id)
        gone = (
            (self.nat_gateway and self.nat_gateway.state in {"deleting", "deleted"})
            or (isinstance(self.gateway, InternetGateway) and self.gateway.vpc is not vpc)
            or (self.interface and self.interface.id not in backend.enis)
            or (self.egress_only_igw and self.egress_only_igw.id not in backend.egress_only_internet_gateways)
        )
        forced: str | None = vars(self).get("forced_state")
        return forced or ("blackhole" if gone else "active")

    Route.state = property(state)  # type: ignore[assignment,method-assign] # the repair


def _groups_and_acls_have_what_aws_gives_them() -> None:
    create_vpc, create_acl = EC2Backend.create_vpc, EC2Backend.create_network_acl

    def create_vpc_with_group(self: Any, *more: Any, **named: Any) -> Any:
        vpc = create_vpc(self, *more, **named)
        group = self.get_default_security_group(vpc.id)
        self.authorize_security_group_ingress(
            group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}], vpc_id=vpc.id
        )
        return vpc

    def create_acl_with_last_rule(self: Any, *more: Any, default: bool = False, **named: Any) -> Any:
        acl: Any = create_acl(self, *more, **(named | {"default": default}))
        if not default:
            for egress in (True, False):
                anywhere = {"cidr_block": "0.0.0.0/0", "ipv6_cidr_block": None}
                nothing = dict.fromkeys(("icmp_code", "icmp_type", "port_range_from", "port_range_to"))
                self.create_network_acl_entry(acl.id, 32767, "-1", "deny", egress, **anywhere, **nothing)
        return acl

    EC2Backend.create_vpc = create_vpc_with_group  # type: ignore[method-assign] # the repair
    EC2Backend.create_network_acl = create_acl_with_last_rule  # type: ignore[method-assign] # the repair


def _a_subnet_has_one_route_table() -> None:
    associate = EC2Backend.associate_route_table

    def associate_table(self: Any, route_table_id: str, gateway_id: Any = None, subnet_id: Any = None) -> str:
        for table in self.describe_route_tables(filters={"association.subnet-id": [subnet_id]} if subnet_id else {}):
            if subnet_id and table.id != route_table_id:
                raise EC2ClientError(
                    "Resource.AlreadyAssociated",
                    f"the specified association for route table {route_table_id} conflicts with an existing one",
                )
        return associate(self, route_table_id, gateway_id, subnet_id)

    EC2Backend.associate_route_table = associate_table  # type: ignore[method-assign] # the repair


def _addresses_are_public() -> None:
    numbers = itertools.count(1)
    elastic_ip_addresses.random_ip = lambda: str(ip_address("34.240.0.0") + next(numbers))  # type: ignore[attr-defined] # the repair
    ManagedPrefixList.cidrs = property(  # type: ignore[attr-defined] # the repair: DescribePrefixLists has none
        lambda self: [entry["Cidr"] for entry in list(self.entries.values())[-1]]
    )


def ec2(account: str, region: str) -> Any:
    """Moto's own EC2 of an account and Region, for the states that no API call reaches."""
    return ec2_backends[account][region]


def set_nat_state(account: str, region: str, nat: str, state: str) -> None:
    """Let a NAT gateway be ``pending``, ``failed``, ``available``, ``deleting`` or ``deleted``.

    Deleting through the API leaves ``deleted`` and turns its routes into blackholes by itself.
    """
    ec2(account, region).nat_gateways[nat].state = state


def forget_nat_gateway(account: str, region: str, nat: str) -> None:
    """Let EC2 show a deleted NAT gateway no more, as about an hour later; routes to it stay, as blackholes."""
    backend = ec2(account, region)
    backend.nat_gateways.pop(nat).state = "deleted"


def set_route_state(account: str, region: str, table: str, destination: str, state: str | None) -> None:
    """Let a route be ``active`` or ``blackhole`` whatever its target is; ``None`` ends that."""
    for route in ec2(account, region).route_tables[table].routes:
        if destination in (
            route.destination_cidr_block,
            route.destination_ipv6_cidr_block,
            route.destination_prefix_list_id,
        ):
            route.forced_state = state


def set_endpoint_state(account: str, region: str, endpoint: str, state: str) -> None:
    """Let an endpoint be ``pending``, ``pendingAcceptance``, ``rejected``, ``failed``, ``available``..."""
    ec2(account, region).vpc_end_points[endpoint].state = state


def lose_endpoint_interfaces(account: str, region: str, endpoint: str) -> None:
    """Take an interface endpoint's network interfaces away, as where each of its zones is removed."""
    backend = ec2(account, region)
    found = backend.vpc_end_points[endpoint]
    found.subnet_ids = []
    _one_interface_a_subnet(backend, found)


def repository_policy(account: str, region: str, repository: str) -> str:
    """The policy of an ECR repository as JSON text; empty if it has none, or there is no such repository."""
    found = ecr_backends[account][region].repositories.get(repository)
    return (found.policy or "") if found else ""

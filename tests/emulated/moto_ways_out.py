"""Where moto's EC2 differs from AWS in IPv6, prefix lists, Route Servers, regional NAT gateways, and instances."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends, iam_instance_profile
from moto.ec2.models.instances import Instance
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses import instances
from moto.ec2.responses.nat_gateways import NatGateways
from moto.ec2.responses.subnets import Subnets
from moto.ec2.utils import random_nat_gateway_id


def repair() -> None:
    """Patch moto, after the repair of its interfaces."""
    _subnets_have_ipv6()
    _interfaces_have_their_subnet_s_families()
    _acls_have_rules_of_ipv6()
    _prefix_lists_may_be_gone()
    _nat_gateways_may_be_regional()
    _tables_show_advertised_routes()
    _instances_end_and_have_profiles()


def set_egress_only_attachment(account: str, region: str, gateway: str, state: str) -> None:
    """Let an egress-only internet gateway be ``attaching``, ``attached``, ``detaching`` or ``detached``."""
    ec2_backends[account][region].egress_only_internet_gateways[gateway].state = state


def advertise(account: str, region: str, table: str, destination: str, next_hop: str, state: str = "active") -> None:
    """Let a Route Server put a route into a table, beside one for the same destination that was made.

    ``state`` is ``active``, ``blackhole`` or ``filtered``.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
    """
    route = SimpleNamespace(
        destination_cidr_block=destination, ip_address=next_hop, state=state, origin="Advertisement", local=False
    )
    vars(ec2_backends[account][region].route_tables[table]).setdefault("advertised", []).append(route)


def give_endpoint_its_families(request: Any, endpoint: Any) -> None:
    """Keep an endpoint's IP address type, ``ipv4`` if none is asked for, and give its interfaces such addresses."""
    endpoint.ip_address_type = request._get_param("IpAddressType") or getattr(endpoint, "ip_address_type", "ipv4")
    for one in endpoint.network_interface_ids:
        interface = request.ec2_backend.enis[one]
        if endpoint.ip_address_type == "ipv4":
            interface.ipv6_addresses = []
        elif not interface.ipv6_addresses:
            interface.ipv6_addresses = [_ipv6_address(interface.subnet)]
        if endpoint.ip_address_type == "ipv6":
            _take_ipv4_away(interface)


def _subnets_have_ipv6() -> None:
    modify = Subnets.modify_subnet_attribute

    def modify_attribute(self: Any) -> Any:
        subnet = self.ec2_backend.get_subnet(self._get_param("SubnetId"))
        for parameter, member in (
            ("EnableDns64", "enable_dns64"),
            ("AssignIpv6AddressOnCreation", "assign_ipv6_address_on_creation"),
        ):
            value = self._get_bool_param(f"{parameter}.Value")
            if value is not None:
                setattr(subnet, member, value)
                return ActionResult({})
        return modify(self)

    Subnet.enable_dns64 = False  # type: ignore[attr-defined] # the repair
    Subnet.ipv6_cidr_block_association_set = property(  # type: ignore[assignment,method-assign] # moto nests the state twice
        lambda self: [
            {
                "AssociationId": one["associationId"],
                "Ipv6CidrBlock": one["ipv6CidrBlock"],
                "Ipv6CidrBlockState": one["ipv6CidrBlockState"],
            }
            for one in self.ipv6_cidr_block_associations.values()
        ]
    )
    Subnets.modify_subnet_attribute = modify_attribute  # type: ignore[method-assign] # the repair


def _interfaces_have_their_subnet_s_families() -> None:
    create = EC2Backend.create_network_interface

    def create_with_addresses(self: Any, subnet: Any, *more: Any, **named: Any) -> Any:
        subnet = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        interface: Any = create(self, subnet, *more, **named)
        if subnet.assign_ipv6_address_on_creation and not interface.ipv6_addresses:
            interface.ipv6_addresses = [_ipv6_address(subnet)]
        if subnet.ipv6_native:
            _take_ipv4_away(interface)
        return interface

    EC2Backend.create_network_interface = create_with_addresses  # type: ignore[method-assign] # the repair


def _ipv6_address(subnet: Any) -> str:
    """An address of the subnet's range that no interface has."""
    network = ip_network(next(iter(subnet.ipv6_cidr_block_associations.values()))["ipv6CidrBlock"])
    taken = {address for one in subnet.ec2_backend.enis.values() for address in one.ipv6_addresses}
    return next(str(one) for one in (network[number] for number in itertools.count(16)) if str(one) not in taken)


def _take_ipv4_away(interface: Any) -> None:
    interface.private_ip_address, interface.private_ip_addresses, interface.private_dns_name = None, [], None


def _acls_have_rules_of_ipv6() -> None:
    """In a VPC with IPv6 every ACL ends with a deny of it, too, and the default one lets it through before.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
    """
    create = EC2Backend.create_network_acl

    def create_acl(self: Any, *more: Any, default: bool = False, **named: Any) -> Any:
        acl: Any = create(self, *more, **(named | {"default": default}))
        rules = [(101, "allow")] * default + [(32768, "deny")]
        if self.get_vpc(acl.vpc_id).get_cidr_block_association_set(ipv6=True):
            for (number, action), egress in itertools.product(rules, (True, False)):
                anywhere = {"cidr_block": None, "ipv6_cidr_block": "::/0"}
                nothing = dict.fromkeys(("icmp_code", "icmp_type", "port_range_from", "port_range_to"))
                self.create_network_acl_entry(acl.id, number, "-1", action, egress, **anywhere, **nothing)
        return acl

    EC2Backend.create_network_acl = create_acl  # type: ignore[method-assign] # the repair


def _prefix_lists_may_be_gone() -> None:
    find, modify = EC2Backend.get_managed_prefix_list_entries, EC2Backend.modify_managed_prefix_list

    def entries(self: Any, prefix_list_id: str) -> Any:
        found = find(self, prefix_list_id)
        if not found or found.state == "delete-complete":
            message = f"The prefix list ID '{prefix_list_id}' does not exist"
            raise EC2ClientError("InvalidPrefixListID.NotFound", message)
        return found

    def modify_and_keep_the_name(self: Any, **named: Any) -> Any:
        named["prefix_list_name"] = (
            named["prefix_list_name"] or self.managed_prefix_lists[named["prefix_list_id"]].prefix_list_name
        )
        return modify(self, **named)

    EC2Backend.get_managed_prefix_list_entries = entries  # type: ignore[method-assign] # the repair
    EC2Backend.modify_managed_prefix_list = modify_and_keep_the_name  # type: ignore[assignment,method-assign] # the repair


@dataclass
class RegionalNatGateway:
    """A NAT gateway in no subnet, with a route table of its own."""

    id: str
    vpc_id: str
    route_table_id: str
    state: str = "available"
    connectivity_type: str = "public"
    availability_mode: str = "regional"
    subnet_id: None = None

    @property
    def nat_gateway_id(self) -> str:
        """The id, as the answers call it."""
        return self.id


def _nat_gateways_may_be_regional() -> None:
    """Its route table leads to the internet gateway of the VPC.

    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html
    """
    create = NatGateways.create_nat_gateway

    def create_nat_gateway(self: Any) -> Any:
        if self._get_param("AvailabilityMode") != "regional":
            return create(self)
        backend, vpc = self.ec2_backend, self._get_param("VpcId")
        table = backend.create_route_table(vpc).id
        for gateway in backend.internet_gateways.values():
            if gateway.vpc and gateway.vpc.id == vpc:
                backend.create_route(table, "0.0.0.0/0", gateway_id=gateway.id)
        made = RegionalNatGateway(random_nat_gateway_id(), vpc, table)
        backend.nat_gateways[made.id] = made
        return ActionResult({"NatGateway": made})

    NatGateways.create_nat_gateway = create_nat_gateway  # type: ignore[method-assign] # the repair


def _tables_show_advertised_routes() -> None:
    RouteTable.routes = property(  # type: ignore[assignment,method-assign] # the repair
        lambda self: [*vars(self).get("advertised", []), *self._routes.values()]
    )


def _instances_end_and_have_profiles() -> None:
    """A terminated instance has no interface; a profile is one of the emulated IAM, which moto does not see."""
    terminate, private_name = Instance.terminate, Instance.private_dns_name.fget  # type: ignore[attr-defined] # a property

    def terminate_and_let_go(self: Any) -> Any:
        before = terminate(self)
        for interface in self.nics.values():
            self.ec2_backend.enis.pop(interface.id, None)
        self.nics, self._subnet_id = {}, None
        return before

    def profile(account: str, partition: str, iam_instance_profile_arn: Any, iam_instance_profile_name: Any) -> Any:
        arn = f"arn:{partition}:iam::{account}:instance-profile/{iam_instance_profile_name}"
        return SimpleNamespace(arn=iam_instance_profile_arn or arn)

    def of_the_first(member: str) -> property:
        return property(lambda self: getattr(self.nics.get(0), member, None))

    Instance.terminate = terminate_and_let_go  # type: ignore[method-assign] # the repair
    Instance.private_dns_name = property(lambda self: private_name(self) if self.private_ip else None)  # type: ignore[assignment,method-assign] # the repair
    for name, member in (("private_ip", "private_ip_address"), ("public_ip", "public_ip")):
        setattr(Instance, name, of_the_first(member))
        setattr(Instance, f"{name}_address", of_the_first(member))
    for module in (iam_instance_profile, instances):
        module.filter_iam_instance_profiles = profile  # type: ignore[attr-defined] # the repair

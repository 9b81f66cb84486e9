"""The facts of the network: the VPC of the interface that pulls, and the path to every host of the pull."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from ipaddress import ip_address

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.intake.symptom import Kind
from pull_doctor.network.addresses import custom_name_servers
from pull_doctor.network.flows import Flow, pull_plan, store_plan
from pull_doctor.network.follow import follow
from pull_doctor.network.hosts import is_of_aws, is_public
from pull_doctor.network.prefix_lists import named_on_the_way
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Vpc
from pull_doctor.view.puller import Pulling

_OF_NAMES: tuple[Kind, ...] = ("dns-failure", "other-pull-failure", "undetermined")
"""Kinds of text behind which a name that does not resolve may stand."""


class Network(Pulling):
    """What EC2 and Route 53 say of the way from the puller to the registry."""

    @cached_property
    def vpc(self) -> Fact[Vpc]:
        """The VPC of the pulling interface, read whole."""
        place, vpc_id, puller = self.place, self.vpc_id, self.puller
        if isinstance(vpc_id, Unknown):
            if self.task.launch_type != "EXTERNAL":
                self.ask(ask.S3PrefixList(place.account, place.region))
            return vpc_id
        scope = (place.account, place.region, vpc_id.value)
        # What addresses an instance has is read in the same wave as the zones: both plans' names are asked for.
        names = dict.fromkeys((*self.hosts, *(flow.host for flow in self._needed(ipv6_only=True))))
        vpc = Vpc(
            id=vpc_id.value,
            subnets=self.ask(ask.Subnets(*scope)),
            route_tables=self.ask(ask.RouteTables(*scope)),
            network_acls=self.ask(ask.NetworkAcls(*scope)),
            security_groups=self.ask(ask.SecurityGroups(*scope)),
            endpoints=_standing(self.ask(ask.VpcEndpoints(*scope))),
            endpoint_interfaces=self.ask(ask.EndpointInterfaces(*scope)),
            nat_gateways=self.ask(ask.NatGateways(*scope)),
            internet_gateways=self.ask(ask.InternetGateways(*scope)),
            egress_only_gateways=self.ask(ask.EgressOnlyGateways(*scope)),
            block_public_access=self.ask(ask.BlockPublicAccessOf(place.account, place.region)),
            dns_support=self.ask(ask.DnsSupport(*scope)),
            dns_hostnames=self.ask(ask.DnsHostnames(*scope)),
            s3_prefix_list=self.ask(ask.S3PrefixList(place.account, place.region)),
            custom_resolvers=self._custom_resolvers(scope),
            cidrs=self._cidrs(scope),
            hosted_zones=self.ask(ask.HostedZones(*scope, hosts=tuple(names))),
            resolver_rules=self.ask(ask.ResolverRules(*scope)) if self._rules_may_matter() else None,
            dns_firewall=self.ask(ask.DnsFirewallOf(*scope)) if self.symptom.kind in _OF_NAMES else None,
        )
        if isinstance(puller, Unknown):
            return puller
        subnet = puller.value.subnet
        if subnet.owner not in (None, place.account):
            vpc = _shared(vpc, f"{subnet.id} is shared by account {subnet.owner}, which alone sees them")
        if _speak_of_an_organization(vpc.endpoints):
            vpc = replace(vpc, organization=self.ask(ask.Organization(place.account, place.region)))
        services = {flow.service for flow in self._needed(ipv6_only=False) if flow.service}
        lists = named_on_the_way(puller.value, vpc, services)
        asked = {one: self.ask(ask.PrefixListEntries(place.account, place.region, one)) for one in lists}
        return Known(replace(vpc, prefix_lists=asked))

    def _rules_may_matter(self) -> bool:
        """Whether the text leaves open that a forwarding rule answered the name: it failed, or led inside."""
        address = self.symptom.address
        return self.symptom.kind in _OF_NAMES or bool(address and _is_private(address))

    def _needed(self, *, ipv6_only: bool) -> tuple[Flow, ...]:
        """The connections that the start and the pull need, as far as task definition and image are known."""
        reference, definition = self.failure.reference, self.task_definition
        stores = (
            store_plan(self.task, definition.value, self.symptom, ipv6_only=ipv6_only)
            if isinstance(definition, Known)
            else ()
        )
        pull = pull_plan(self.task, reference, self.symptom, ipv6_only=ipv6_only) if reference else ()
        return (*stores, *pull)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that start and pull need of a machine with an IPv4 address."""
        return tuple(dict.fromkeys(flow.host for flow in self._needed(ipv6_only=False)))

    @property
    def another_host(self) -> str | None:
        """The host that the text shows to have been called, where start and pull are not known to need it.

        It may be a mirror that the container runtime is set to use, or a registry's host that is in no table here.
        """
        host = self.symptom.host
        needed = {flow.host for ipv6_only in (False, True) for flow in self._needed(ipv6_only=ipv6_only)}
        # The names of AWS and of a well-known registry differ in form, and lead the same ways.
        return None if host is None or host in needed or is_of_aws(host) or is_public(host) else host

    def _cidrs(self, scope: tuple[str, str, str]) -> Fact[tuple[str, ...]]:
        """The VPC's ranges of both families."""
        details = self.ask(ask.OneVpc(*scope))
        if isinstance(details, Unknown):
            return details
        if details.value is None:
            return Unknown(f"the addresses of {scope[2]}", "not-visible", "ec2:DescribeVpcs", scope[2])
        return Known((*details.value.cidrs, *details.value.ipv6_cidrs))

    def _custom_resolvers(self, scope: tuple[str, str, str]) -> Fact[tuple[str, ...]]:
        """The name servers of the VPC's DHCP options, none where they are Amazon's own.

        https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
        """
        details, sets = self.ask(ask.OneVpc(*scope)), self.ask(ask.DhcpOptionSets(*scope[:2]))
        for fact in (details, sets):
            if isinstance(fact, Unknown):
                return fact
        assert isinstance(details, Known)
        assert isinstance(sets, Known)
        if details.value is None:
            return Unknown(f"the DHCP options of {scope[2]}", "not-visible", "ec2:DescribeVpcs", scope[2])
        if details.value.dhcp_options is None:
            return Known(())
        found = next((one for one in sets.value if one.id == details.value.dhcp_options), None)
        if found is None:
            shared = f"{details.value.dhcp_options} is not among the account's own"
            return Unknown(f"DHCP option set {details.value.dhcp_options}", "not-visible", detail=shared)
        return Known(custom_name_servers(found.name_servers, details.value.cidrs))

    @cached_property
    def traces(self) -> Fact[tuple[Trace, ...]]:
        """The path to every host that this pull needs, in the order of its phases."""
        image = self.image
        if isinstance(image, Unknown):
            return image
        if image.value.port not in (None, 443):
            detail = f"its registry listens on port {image.value.port}, and only paths to port 443 are followed"
            return Unknown(f"the path to {image.value.host}", "not-modelled", resource=image.value.host, detail=detail)
        ipv6_only = isinstance(self.subnet, Known) and self.subnet.value.cidr is None
        return self.ways(pull_plan(self.task, image.value, self.symptom, ipv6_only=ipv6_only))

    def ways(self, flows: tuple[Flow, ...]) -> Fact[tuple[Trace, ...]]:
        """The paths that these connections take from the puller; none can be followed from outside AWS, or by a proxy.

        The proxy of an agent or a container runtime is set on the host, where no API of AWS shows it:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/http_proxy_config.html
        """
        puller, vpc = self.puller, self.vpc
        if isinstance(puller, Unknown):
            return puller
        if isinstance(vpc, Unknown):
            return vpc
        if self.symptom.kind == "proxy-failure":
            detail = "ECS's text shows that a proxy is in between"
            return Unknown("the path to the registry", "not-visible", resource=puller.value.instance, detail=detail)
        return Known(follow(flows, puller.value, vpc.value))


def _is_private(address: str) -> bool:
    try:
        return not ip_address(address).is_global
    except ValueError:
        return False


def _shared(vpc: Vpc, hidden: str) -> Vpc:
    """The VPC as an account sees it that another one shares a subnet of it with.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing-service-behavior.html
    """

    def unseen(what: str) -> Unknown:
        return Unknown(f"{what} of {vpc.id}", "not-visible", detail=hidden)

    return replace(
        vpc,
        endpoints=unseen("the VPC endpoints"),
        nat_gateways=unseen("the NAT gateways"),
        internet_gateways=unseen("the internet gateways"),
        egress_only_gateways=unseen("the egress-only internet gateways"),
        block_public_access=unseen("VPC Block Public Access"),
        resolver_rules=unseen("the Resolver rules") if vpc.resolver_rules else None,
        dns_firewall=unseen("the DNS Firewall rules") if vpc.dns_firewall else None,
    )


def _speak_of_an_organization(endpoints: Fact[tuple[VpcEndpoint, ...]]) -> bool:
    """Whether the policy of an endpoint for ECR asks for the organization of the caller or of the resource."""
    known = endpoints.value if isinstance(endpoints, Known) else ()
    return any(".ecr." in one.service and "orgid" in (one.policy or "").lower() for one in known)


def _standing(endpoints: Fact[tuple[VpcEndpoint, ...]]) -> Fact[tuple[VpcEndpoint, ...]]:
    """The endpoints without those that are deleted: EC2 lists them for a while, and they serve nothing."""
    if isinstance(endpoints, Unknown):
        return endpoints
    return Known(tuple(one for one in endpoints.value if one.state not in ("deleting", "deleted")))

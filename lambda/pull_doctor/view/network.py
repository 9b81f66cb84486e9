"""The facts of the network: the interface that pulls, its VPC, and the path to every host of the pull."""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import NetworkInterface, Subnet, VpcEndpoint
from pull_doctor.network.addresses import custom_name_servers
from pull_doctor.network.filters import LINUX_REPLY_PORTS, WINDOWS_REPLY_PORTS
from pull_doctor.network.flows import pull_plan
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.network.walk import trace
from pull_doctor.view.answered import present
from pull_doctor.view.workload import Workload


class Network(Workload):
    """What EC2 says of the way from the puller to the registry."""

    @cached_property
    def subnet(self) -> Fact[Subnet]:
        """The subnet of the interface by which the pull leaves."""
        if not self.task.on_fargate:
            return Unknown(
                "the network interface of the container instance",
                "not-modelled",
                resource=self.task.container_instance,
                detail="on EC2 and on premises the host pulls, by its own interface",
            )
        subnet = self.task.attachment.subnet if self.task.attachment else None
        if subnet is None:
            return Unknown("the subnet of the task", "not-visible", detail="the event names no network interface")
        answer = self.ask(ask.OneSubnet(self.place.account, self.place.region, subnet))
        return present(answer, f"subnet {subnet}", subnet, "EC2 knows no such subnet")

    @cached_property
    def interface(self) -> Fact[NetworkInterface | None]:
        """The task's network interface; ``None`` once it is deleted."""
        interface = self.task.attachment.interface if self.task.attachment else None
        if interface is None:
            return Known(None)
        return self.ask(ask.OneInterface(self.place.account, self.place.region, interface))

    @cached_property
    def puller(self) -> Fact[Puller]:
        """Who opened the connections, from the live interface or the deployment that started the task."""
        groups, public = self._groups(), self._has_public_ip()
        subnet = self.subnet
        if isinstance(subnet, Unknown):
            return subnet
        if subnet.value.cidr is None:
            return Unknown(f"the IPv4 range of {subnet.value.id}", "not-modelled", resource=subnet.value.id)
        live = self.interface.value if isinstance(self.interface, Known) else None
        attachment = self.task.attachment
        windows = (self.task.platform_family or "").upper().startswith("WINDOWS")
        return Known(
            Puller(
                self.place,
                subnet.value,
                groups,
                public,
                interface=attachment.interface if attachment else None,
                private_ip=(attachment.private_ip if attachment else None) or (live.private_ip if live else None),
                public_ip=live.public_ip if live else None,
                reply_ports=WINDOWS_REPLY_PORTS if windows else LINUX_REPLY_PORTS,
                role=self.role,
            )
        )

    def _groups(self) -> Fact[tuple[str, ...]]:
        if isinstance(self.interface, Known) and self.interface.value and self.interface.value.groups:
            return Known(self.interface.value.groups)
        if isinstance(self.deployment, Known) and self.deployment.value and self.deployment.value.groups:
            return Known(self.deployment.value.groups)
        return self._puller_unknown("the security groups of the pulling interface")

    def _has_public_ip(self) -> Fact[bool]:
        # An interface that is being deleted may have lost the address that the deployment assigns.
        assigned = (
            self.deployment.value.assign_public_ip
            if isinstance(self.deployment, Known) and (self.deployment.value)
            else None
        )
        live = self.interface.value if isinstance(self.interface, Known) else None
        if assigned or (live and live.public_ip):
            return Known(value=True)
        if assigned is False:
            return Known(value=False)
        if live and isinstance(self.deployment, Known):
            return Known(value=False)
        return self._puller_unknown("the public IP address of the pulling interface")

    def _puller_unknown(self, fact: str) -> Unknown:
        for answer in (self.interface, self.deployment):
            if isinstance(answer, Unknown):
                return answer
        interface = self.task.attachment.interface if self.task.attachment else None
        gone = f"{interface} is deleted" if interface else "the event names no network interface"
        return Unknown(
            fact,
            "not-visible",
            "ec2:DescribeNetworkInterfaces",
            interface,
            detail=f"{gone}, and no deployment {self.task.started_by or ''} is shown".replace("  ", " "),
        )

    @cached_property
    def vpc(self) -> Fact[Vpc]:
        """The VPC of the pulling interface, read whole."""
        place = self.place
        s3 = self.ask(ask.S3PrefixList(place.account, place.region))
        subnet = self.subnet
        if isinstance(subnet, Unknown):
            return subnet
        scope = (place.account, place.region, subnet.value.vpc)
        shared = subnet.value.owner not in (None, place.account)
        resolvers = self._custom_resolvers(scope)
        endpoints = _standing(self.ask(ask.VpcEndpoints(*scope)))
        nat_gateways = self.ask(ask.NatGateways(*scope))
        internet_gateways = self.ask(ask.InternetGateways(*scope))
        if shared:
            # https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
            hidden = f"{subnet.value.id} is shared by account {subnet.value.owner}, which alone sees them"
            endpoints = Unknown(f"the VPC endpoints of {scope[2]}", "not-visible", detail=hidden)
            nat_gateways = Unknown(f"the NAT gateways of {scope[2]}", "not-visible", detail=hidden)
            internet_gateways = Unknown(f"the internet gateways of {scope[2]}", "not-visible", detail=hidden)
        return Known(
            Vpc(
                id=scope[2],
                subnets=self.ask(ask.Subnets(*scope)),
                route_tables=self.ask(ask.RouteTables(*scope)),
                network_acls=self.ask(ask.NetworkAcls(*scope)),
                security_groups=self.ask(ask.SecurityGroups(*scope)),
                endpoints=endpoints,
                endpoint_interfaces=self.ask(ask.EndpointInterfaces(*scope)),
                nat_gateways=nat_gateways,
                internet_gateways=internet_gateways,
                dns_support=self.ask(ask.DnsSupport(*scope)),
                dns_hostnames=self.ask(ask.DnsHostnames(*scope)),
                s3_prefix_list=s3,
                custom_resolvers=resolvers,
            )
        )

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
        image, puller, vpc = self.image, self.puller, self.vpc
        for fact in (image, puller, vpc):
            if isinstance(fact, Unknown):
                return fact
        assert isinstance(image, Known)
        if image.value.port not in (None, 443):
            detail = f"its registry listens on port {image.value.port}, and only paths to port 443 are followed"
            return Unknown(f"the path to {image.value.host}", "not-modelled", resource=image.value.host, detail=detail)
        assert isinstance(puller, Known)
        assert isinstance(vpc, Known)
        flows = pull_plan(self.task, image.value, self.symptom)
        return Known(tuple(trace(flow, puller.value, vpc.value) for flow in flows))


def _standing(endpoints: Fact[tuple[VpcEndpoint, ...]]) -> Fact[tuple[VpcEndpoint, ...]]:
    """The endpoints without those that are deleted: EC2 lists them for a while, and they serve nothing."""
    if isinstance(endpoints, Unknown):
        return endpoints
    return Known(tuple(one for one in endpoints.value if one.state not in ("deleting", "deleted")))

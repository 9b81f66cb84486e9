"""The questions that can be put to AWS: small frozen values, each answered by one reader in one call.

Every question carries the account whose credentials ask it and the Region that is asked. ``fact`` is the
noun phrase by which reports name the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from pull_doctor.facts import values

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Question(Generic[T_co]):
    """A question whose answer is a ``Fact[T_co]``."""

    account: str
    region: str

    @property
    def fact(self) -> str:
        """The noun phrase, with ids, by which a report names the answer."""
        raise TypeError(f"{type(self).__name__} has no noun phrase")


@dataclass(frozen=True, slots=True)
class OfAVpc(Question[T_co]):
    """A question about all things of one kind in a VPC; ``noun`` is what they are called."""

    vpc: str
    noun: ClassVar[str]

    @property
    def fact(self) -> str:
        return f"{self.noun} of {self.vpc}"


@dataclass(frozen=True, slots=True)
class OneSubnet(Question[values.Subnet | None]):
    """The subnet with this id; ``None`` if EC2 knows none."""

    subnet: str

    @property
    def fact(self) -> str:
        return f"subnet {self.subnet}"


@dataclass(frozen=True, slots=True)
class OneInterface(Question[values.NetworkInterface | None]):
    """The network interface with this id; ``None`` once EC2 has deleted it."""

    interface: str

    @property
    def fact(self) -> str:
        return f"network interface {self.interface}"


@dataclass(frozen=True, slots=True)
class Subnets(OfAVpc[tuple[values.Subnet, ...]]):
    """Every subnet of the VPC."""

    noun: ClassVar[str] = "the subnets"


@dataclass(frozen=True, slots=True)
class RouteTables(OfAVpc[tuple[values.RouteTable, ...]]):
    """Every route table of the VPC."""

    noun: ClassVar[str] = "the route tables"


@dataclass(frozen=True, slots=True)
class NetworkAcls(OfAVpc[tuple[values.NetworkAcl, ...]]):
    """Every network ACL of the VPC."""

    noun: ClassVar[str] = "the network ACLs"


@dataclass(frozen=True, slots=True)
class SecurityGroups(OfAVpc[tuple[values.SecurityGroup, ...]]):
    """Every security group of the VPC."""

    noun: ClassVar[str] = "the security groups"


@dataclass(frozen=True, slots=True)
class VpcEndpoints(OfAVpc[tuple[values.VpcEndpoint, ...]]):
    """Every endpoint of the VPC, of any type."""

    noun: ClassVar[str] = "the VPC endpoints"


@dataclass(frozen=True, slots=True)
class EndpointInterfaces(OfAVpc[tuple[values.NetworkInterface, ...]]):
    """The network interfaces of the VPC's interface endpoints."""

    noun: ClassVar[str] = "the endpoint network interfaces"


@dataclass(frozen=True, slots=True)
class NatGateways(OfAVpc[tuple[values.NatGateway, ...]]):
    """Every NAT gateway of the VPC that EC2 still shows."""

    noun: ClassVar[str] = "the NAT gateways"


@dataclass(frozen=True, slots=True)
class InternetGateways(OfAVpc[tuple[values.InternetGateway, ...]]):
    """The internet gateways that a route of the VPC may name: all of the Region, with what they are attached to."""

    noun: ClassVar[str] = "the internet gateways"


@dataclass(frozen=True, slots=True)
class DnsSupport(OfAVpc[bool]):
    """Whether the VPC's ``enableDnsSupport`` is on."""

    noun: ClassVar[str] = "DNS support"


@dataclass(frozen=True, slots=True)
class DnsHostnames(OfAVpc[bool]):
    """Whether the VPC's ``enableDnsHostnames`` is on."""

    noun: ClassVar[str] = "DNS hostnames"


@dataclass(frozen=True, slots=True)
class OneVpc(Question[values.VpcDetails | None]):
    """What EC2 says of the VPC itself; ``None`` if it knows none."""

    vpc: str

    @property
    def fact(self) -> str:
        return f"VPC {self.vpc}"


@dataclass(frozen=True, slots=True)
class DhcpOptionSets(Question[tuple[values.DhcpOptions, ...]]):
    """Every DHCP option set of the account in this Region: which one the VPC has is read at the same time."""

    @property
    def fact(self) -> str:
        return f"the DHCP option sets of account {self.account} in {self.region}"


@dataclass(frozen=True, slots=True)
class S3PrefixList(Question[values.PrefixList | None]):
    """The prefix list of Amazon S3 in this Region, with its CIDRs."""

    @property
    def fact(self) -> str:
        return f"the S3 prefix list of {self.region}"


@dataclass(frozen=True, slots=True)
class OneService(Question[values.Service | None]):
    """The service; ``None`` if it does not exist or is inactive. ``cluster`` is its name."""

    cluster: str
    service: str

    @property
    def fact(self) -> str:
        return f"service {self.service} of cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class OneTaskDefinition(Question[values.TaskDefinition | None]):
    """The task definition with this ARN; ``None`` once it is deleted."""

    arn: str

    @property
    def fact(self) -> str:
        return f"task definition {self.arn.rsplit('/', 1)[-1]}"


@dataclass(frozen=True, slots=True)
class RunningTasks(Question[tuple[str, ...]]):
    """The ARNs of the running tasks of a service, or of a family where ``service`` is ``None``."""

    cluster: str
    service: str | None
    family: str | None

    @property
    def fact(self) -> str:
        workload = f"service {self.service}" if self.service else f"family {self.family}"
        return f"the running tasks of {workload} in cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class Siblings(Question[tuple[values.Sibling, ...]]):
    """The described running tasks; at most 100 ARNs, DescribeTasks' own limit."""

    cluster: str
    tasks: tuple[str, ...]

    @property
    def fact(self) -> str:
        return f"{len(self.tasks)} running tasks in cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class EcrImageOf(Question[values.EcrLookup]):
    """The image in the registry of account ``registry``; ``tag`` or ``digest``, the digest decides.

    ``region`` is the image's Region, which may differ from the task's.
    """

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def fact(self) -> str:
        reference = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"image {self.repository}{reference} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class EcrTagsOf(Question[values.EcrTags]):
    """The tags of a repository in the registry of account ``registry``."""

    registry: str
    repository: str

    @property
    def fact(self) -> str:
        return f"the tags of {self.repository} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class EcrRepositories(Question[values.RepositoryNames]):
    """The names of the repositories in the registry of account ``registry``."""

    registry: str

    @property
    def fact(self) -> str:
        return f"the repositories of registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class EcrManifestOf(Question[values.EcrManifest | None]):
    """The image's manifest; ``None`` if there is no such image. Reading it counts as a pull."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def fact(self) -> str:
        reference = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"the manifest of {self.repository}{reference} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class RegistryImage(Question[values.RegistryLookup]):
    """Whether a registry other than ECR has the image; ``reference`` is a tag or a digest."""

    host: str
    repository: str
    reference: str

    @property
    def fact(self) -> str:
        joint = "@" if self.reference.startswith("sha256:") else ":"
        return f"image {self.repository}{joint}{self.reference} in {self.host}"


@dataclass(frozen=True, slots=True)
class RepositoryPolicy(Question[str | None]):
    """The repository's policy document as JSON text; ``None`` if it has none."""

    registry: str
    repository: str

    @property
    def fact(self) -> str:
        return f"the policy of repository {self.repository} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class Simulation(Question[tuple[values.Simulated, ...] | None]):
    """What the role's policies decide for these actions on one resource; ``None``: no such role."""

    role: str
    actions: tuple[str, ...]
    resource: str

    @property
    def fact(self) -> str:
        return f"what {self.role} may do on {self.resource}"


@dataclass(frozen=True, slots=True)
class OneRole(Question[values.Role | None]):
    """The role with this ARN; ``None`` if IAM knows none."""

    role: str

    @property
    def fact(self) -> str:
        return f"role {self.role}"


@dataclass(frozen=True, slots=True)
class Organization(Question[str | None]):
    """The id of the account's organization; ``None`` for an account in none."""

    @property
    def fact(self) -> str:
        return f"the organization of account {self.account}"


@dataclass(frozen=True, slots=True)
class OneSecret(Question[values.Secret | None]):
    """The secret with this ARN or name, without its value; ``None`` if there is none."""

    secret: str

    @property
    def fact(self) -> str:
        return f"secret {self.secret}"


@dataclass(frozen=True, slots=True)
class SecretPolicy(Question[str | None]):
    """The resource policy of the secret with this ARN as JSON text; ``None`` if it has none."""

    secret: str

    @property
    def fact(self) -> str:
        return f"the resource policy of secret {self.secret}"


@dataclass(frozen=True, slots=True)
class OneParameter(Question[values.Parameter | None]):
    """The parameter with this name, without its value; ``None`` if there is none."""

    parameter: str

    @property
    def fact(self) -> str:
        return f"parameter {self.parameter}"


OF_A_VPC = (
    OneVpc,
    DhcpOptionSets,
    Subnets,
    RouteTables,
    NetworkAcls,
    SecurityGroups,
    VpcEndpoints,
    EndpointInterfaces,
    NatGateways,
    InternetGateways,
    DnsSupport,
    DnsHostnames,
    S3PrefixList,
)
"""The questions that together read a whole VPC, whose answers every failed task in it shares."""

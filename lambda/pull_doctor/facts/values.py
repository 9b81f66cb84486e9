"""The values that readers return: only the members that the diagnosis uses, in AWS's own nouns.

Nothing here can hold an environment variable, a command line, or a secret's value. Collections are
tuples, ordered as AWS returned them; an absent optional member is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet; ``owner`` is the account that owns it (another one in a shared VPC)."""

    id: str
    vpc: str
    zone: str
    cidr: str | None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One route. ``destination`` is a CIDR or a prefix list id; ``target`` ``local`` or the target's id."""

    destination: str
    target: str
    state: str


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table; ``subnets`` are only its explicit associations, ``main`` serves the others."""

    id: str
    main: bool
    subnets: tuple[str, ...]
    routes: tuple[Route, ...]
    managed_by: str | None = None


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One rule of a network ACL. ``protocol`` is the number as text, ``-1`` for all; ``ports`` inclusive."""

    number: int
    egress: bool
    allow: bool
    protocol: str
    cidr: str
    ports: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """A network ACL with the subnets it is associated with; the closing ``*`` deny is implicit."""

    id: str
    subnets: tuple[str, ...]
    entries: tuple[AclEntry, ...]


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One rule of a security group. ``protocol`` ``-1`` is all; ``ports`` inclusive, ``None`` is all."""

    protocol: str
    ports: tuple[int, int] | None = None
    cidrs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    prefix_lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A security group with its rules."""

    id: str
    ingress: tuple[GroupRule, ...]
    egress: tuple[GroupRule, ...]
    managed_by: str | None = None


@dataclass(frozen=True, slots=True)
class VpcEndpoint:
    """A VPC endpoint. ``state`` is lower case; ``dns_names`` are all names of its DnsEntries.

    ``interfaces`` are the ids of its network interfaces. ``inbound_resolver_only`` is S3's private DNS that
    serves only inbound Resolver endpoints. ``policy`` is its policy document as JSON text.
    """

    id: str
    type: str
    service: str
    state: str
    service_region: str | None = None
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    route_tables: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    private_dns: bool = False
    dns_names: tuple[str, ...] = ()
    inbound_resolver_only: bool = False
    managed_by: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class NatGateway:
    """A NAT gateway. A regional one has no ``subnet``."""

    id: str
    state: str
    private: bool
    subnet: str | None = None
    regional: bool = False


@dataclass(frozen=True, slots=True)
class InternetGateway:
    """An internet gateway with the VPCs it is attached to."""

    id: str
    vpcs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """A network interface; ``public_ip`` is ``None`` where it has none."""

    id: str
    subnet: str
    groups: tuple[str, ...]
    private_ip: str | None
    public_ip: str | None


@dataclass(frozen=True, slots=True)
class PrefixList:
    """An AWS-managed prefix list (S3's, for one) with its CIDRs."""

    id: str
    name: str
    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VpcDetails:
    """What EC2 says of the VPC itself: its IPv4 ranges, the first one first, and its DHCP option set's id.

    ``dhcp_options`` is ``None`` for a VPC without an option set.
    """

    cidrs: tuple[str, ...]
    dhcp_options: str | None


@dataclass(frozen=True, slots=True)
class DhcpOptions:
    """A DHCP option set; ``name_servers`` as written, ``AmazonProvidedDNS`` among them."""

    id: str
    name_servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """One container of a task definition.

    ``image`` as written there. ``secrets`` are the ARNs or names of what it injects (``valueFrom``), never a value;
    ``registry_credentials`` is the secret with which its registry is signed in to.
    """

    name: str
    essential: bool
    image: str | None = None
    secrets: tuple[str, ...] = ()
    registry_credentials: str | None = None


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A task definition; ``execution_role`` is the ARN of the role that pulls on Fargate.

    ``os_family`` and ``cpu_architecture`` are its runtime platform (``LINUX``, ``ARM64``), where it names one. ``tags``
    are key and value of those that the settings name; ``None`` where none was asked for.
    """

    family: str
    revision: int
    execution_role: str | None
    containers: tuple[ContainerDefinition, ...]
    registered_at: datetime | None = None
    registered_by: str | None = None
    task_role: str | None = None
    os_family: str | None = None
    cpu_architecture: str | None = None
    tags: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of a service: the network configuration and the task definition with which it starts tasks.

    ``desired`` and ``running`` count its tasks. ``rollout_state`` is COMPLETED, FAILED, or IN_PROGRESS.
    """

    id: str
    status: str
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    assign_public_ip: bool | None = None
    task_definition: str | None = None
    rollout_state: str | None = None
    desired: int | None = None
    running: int | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its live deployments, its status (ACTIVE, DRAINING), and how many tasks it has.

    ``tags`` are key and value of those that the settings name; ``None`` where none was asked for.
    """

    deployments: tuple[Deployment, ...]
    status: str | None = None
    desired: int | None = None
    running: int | None = None
    pending: int | None = None
    tags: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Sibling:
    """A running task of the same service or family: a candidate for counter-evidence."""

    arn: str
    task_definition: str
    started_at: datetime | None
    started_by: str | None
    subnet: str | None
    execution_role_override: str | None = None


@dataclass(frozen=True, slots=True)
class EcrImage:
    """One image of an ECR repository; ``status`` is ACTIVE, ARCHIVED..."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime | None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class EcrLookup:
    """What ECR answers for one repository and one tag or digest.

    ``missing`` says which of the two ECR does not have; ``None`` if the image is there.
    """

    missing: Literal["repository", "image"] | None
    image: EcrImage | None = None


@dataclass(frozen=True, slots=True)
class EcrTags:
    """Tagged images of a repository, in ECR's order; ``complete`` is false where more pages were left unread."""

    images: tuple[EcrImage, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Simulated:
    """What iam:SimulatePrincipalPolicy answers for one action on one resource.

    ``statements`` are the ids of the policies whose statements decided; ``missing_context`` the condition keys
    that would have been needed; ``boundary_allows`` and ``organization_allows`` are ``None`` where not said.
    """

    action: str
    decision: Literal["allowed", "explicitDeny", "implicitDeny"]
    statements: tuple[str, ...] = ()
    missing_context: tuple[str, ...] = ()
    boundary_allows: bool | None = None
    organization_allows: bool | None = None


@dataclass(frozen=True, slots=True)
class RepositoryNames:
    """The names of a registry's repositories; ``complete`` is false where more pages were left unread."""

    names: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class EcrManifest:
    """The manifest behind a tag or digest.

    ``platforms`` are those of an index (``linux/amd64``, ``linux/arm64/v8``), attestations left out; ``None`` where it
    does not say: the manifest of one single image, or an index with an entry that names no platform.
    """

    media_type: str
    platforms: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class RegistryLookup:
    """What a registry other than ECR answers to an anonymous question for one image.

    ``hidden``: it refuses, and does not say whether the image is missing or private.
    """

    answer: Literal["found", "missing", "hidden"]
    status: int
    digest: str | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its trust policy as JSON text, and the ARN of its permissions boundary."""

    arn: str
    trust: str
    boundary: str | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of Secrets Manager, never its value; ``deleted_at`` is set once it is marked for deletion.

    ``key`` is the customer's KMS key; ``None`` where AWS's own key encrypts it.
    """

    arn: str
    deleted_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of Systems Manager, never its value.

    ``key`` is the customer's KMS key of a SecureString; ``None`` where AWS's own key or none encrypts it.
    """

    name: str
    key: str | None = None

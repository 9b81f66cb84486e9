"""The questions that can be put to AWS: small frozen values, each answered by one reader.

Every question carries the account whose credentials ask it and the Region that is asked. ``fact`` is the
noun phrase by which reports name the answer.
"""

from pull_doctor.facts.questions.images import (
    EcrImageOf,
    EcrManifestOf,
    EcrRepositories,
    EcrTagsOf,
    RegistryImage,
)
from pull_doctor.facts.questions.names import (
    DhcpOptionSets,
    DnsFirewallOf,
    DnsHostnames,
    DnsSupport,
    HostedZones,
    ResolverRules,
)
from pull_doctor.facts.questions.network import (
    BlockPublicAccessOf,
    EgressOnlyGateways,
    EndpointInterfaces,
    InternetGateways,
    NatGateways,
    NetworkAcls,
    OneInstance,
    OneInterface,
    OneSubnet,
    OneVpc,
    PrefixListEntries,
    RouteTables,
    S3PrefixList,
    SecurityGroups,
    Subnets,
    VpcEndpoints,
)
from pull_doctor.facts.questions.question import (
    OfAVpc,
    Question,
)
from pull_doctor.facts.questions.rights import (
    OneInstanceProfile,
    OneParameter,
    OneRole,
    OneSecret,
    Organization,
    RepositoryPolicy,
    SecretPolicy,
    Simulation,
)
from pull_doctor.facts.questions.workload import (
    OneContainerInstance,
    OneService,
    OneTaskDefinition,
    RunningTasks,
    Siblings,
    StartedWith,
)

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
    EgressOnlyGateways,
    BlockPublicAccessOf,
    DnsSupport,
    DnsHostnames,
    S3PrefixList,
    HostedZones,
)
"""The questions that together read a whole VPC, whose answers every failed task in it shares."""

__all__ = [
    "OF_A_VPC",
    "BlockPublicAccessOf",
    "DhcpOptionSets",
    "DnsFirewallOf",
    "DnsHostnames",
    "DnsSupport",
    "EcrImageOf",
    "EcrManifestOf",
    "EcrRepositories",
    "EcrTagsOf",
    "EgressOnlyGateways",
    "EndpointInterfaces",
    "HostedZones",
    "InternetGateways",
    "NatGateways",
    "NetworkAcls",
    "OfAVpc",
    "OneContainerInstance",
    "OneInstance",
    "OneInstanceProfile",
    "OneInterface",
    "OneParameter",
    "OneRole",
    "OneSecret",
    "OneService",
    "OneSubnet",
    "OneTaskDefinition",
    "OneVpc",
    "Organization",
    "PrefixListEntries",
    "Question",
    "RegistryImage",
    "RepositoryPolicy",
    "ResolverRules",
    "RouteTables",
    "RunningTasks",
    "S3PrefixList",
    "SecretPolicy",
    "SecurityGroups",
    "Siblings",
    "Simulation",
    "StartedWith",
    "Subnets",
    "VpcEndpoints",
]

"""The catalogue: one row a cause, in the order in which equal findings are listed.

A row says what the defect is and which symptom it explains; the module ``pull_doctor.causes.<cause>`` with
underscores holds the check. A new cause is a row here, that module, and its test.
"""

from __future__ import annotations

from pull_doctor.causes.row import SILENT, HostClass, Row
from pull_doctor.intake.symptom import REFUSALS, Kind, Phase

__all__ = ["CATALOGUE", "SILENT", "Row"]

_ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
_ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/"
_VPC = "https://docs.aws.amazon.com/vpc/latest/"
_PULL = ("CannotPullContainerError task errors", f"{_ECS}task_cannot_pull_image.html")
_ENDPOINTS = ("Amazon ECR interface VPC endpoints", f"{_ECR}vpc-endpoints.html")
_FARGATE_NETWORK = ("Fargate task networking", f"{_ECS}fargate-task-networking.html")
_EXECUTION_ROLE = ("Amazon ECS task execution IAM role", f"{_ECS}task_execution_IAM_role.html")
_TASK_ROLE = ("Amazon ECS task IAM role", f"{_ECS}task-iam-roles.html")
_VPC_DNS = ("Understanding Amazon DNS", f"{_VPC}userguide/AmazonDNS-concepts.html")
_DEPLOYMENT = ("Amazon ECS rolling deployments", f"{_ECS}deployment-type-ecs.html")
_DENIED = (
    "Troubleshoot access denied error messages",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
)

_ON_THE_WAY: tuple[Phase, ...] = ("sign-in", "resolve", "download")
_OF_ECR: tuple[HostClass, ...] = ("ecr-api", "ecr-registry")
_NOT_THERE: tuple[Kind, ...] = ("image-not-found", "repository-not-found")

CATALOGUE: tuple[Row, ...] = (
    # What is asked for, and what the registry has of it.
    Row(
        "invalid-image-reference",
        "the task definition's image is not a legal reference",
        "image",
        ("invalid-reference",),
        ("resolve",),
        docs=(_PULL,),
    ),
    Row(
        "registry-host-missing",
        "the reference names no registry, so Docker Hub was asked; an ECR repository of that name exists",
        "image",
        (*_NOT_THERE, "registry-access-denied"),
        ("resolve", "download"),
        hosts=("docker-hub",),
        registry="other",
        best="likely",
        docs=(_PULL,),
    ),
    Row(
        "repository-not-found",
        "no such ECR repository in that account and Region",
        "image",
        _NOT_THERE,
        ("resolve", "download"),
        registry="ecr",
        docs=(_PULL,),
    ),
    Row(
        "image-not-found",
        "the ECR repository has no image with that tag or digest",
        "image",
        ("image-not-found",),
        ("resolve", "download"),
        registry="ecr",
        follows=(("repository-not-found", "a repository that does not exist has no image"),),
        docs=(_PULL,),
    ),
    Row(
        "registry-image-not-found",
        "a registry other than ECR has no such image:tag",
        "image",
        (*_NOT_THERE, "registry-access-denied"),
        ("sign-in", "resolve", "download"),
        registry="other",
        follows=(("registry-host-missing", "Docker Hub was asked for an image that is in ECR"),),
        docs=(_PULL,),
    ),
    Row(
        "pinned-digest-deleted",
        "the tag is there, the digest that the deployment pinned is gone",
        "image",
        ("image-not-found",),
        ("resolve", "download"),
        registry="ecr",
        docs=(_DEPLOYMENT, _PULL),
    ),
    Row(
        "platform-mismatch",
        "the image offers no build for the task's OS and CPU",
        "image",
        ("platform-mismatch",),
        ("resolve", "unpack"),
        docs=(_PULL,),
    ),
    Row(
        "registry-rate-limited",
        "the registry (Docker Hub, ECR Public, ECR) limits pulls",
        "image",
        ("rate-limited",),
        _ON_THE_WAY,
        docs=(_PULL,),
    ),
    # Who may pull it.
    Row(
        "execution-role-missing",
        "none set where one is needed, or it does not exist",
        "identity",
        ("role-assume-failure", "secret-unavailable", *REFUSALS),
        ("prepare", "sign-in", "resolve"),
        docs=(_EXECUTION_ROLE,),
    ),
    Row(
        "execution-role-not-assumable",
        "it exists, its trust policy does not let ECS tasks assume it",
        "identity",
        ("role-assume-failure", "auth-missing-credentials"),
        ("prepare", "sign-in"),
        docs=(_EXECUTION_ROLE, _TASK_ROLE),
    ),
    Row(
        "task-role-not-assumable",
        "the role ECS names is the task role: its trust policy does not admit ECS tasks, or it does not exist",
        "identity",
        ("role-assume-failure",),
        ("prepare",),
        docs=(_TASK_ROLE,),
    ),
    Row(
        "pull-permission-denied",
        "the pulling role lacks (or is denied) a needed ECR action",
        "identity",
        REFUSALS,
        ("prepare", *_ON_THE_WAY),
        hosts=_OF_ECR,
        registry="ecr",
        docs=(_EXECUTION_ROLE,),
    ),
    Row(
        "permissions-boundary-denies",
        "its permissions boundary does",
        "identity",
        REFUSALS,
        ("prepare", *_ON_THE_WAY),
        hosts=_OF_ECR,
        registry="ecr",
        docs=(_DENIED, _EXECUTION_ROLE),
    ),
    Row(
        "organization-policy-denies",
        "a service or resource control policy does",
        "identity",
        REFUSALS,
        ("prepare", *_ON_THE_WAY),
        hosts=_OF_ECR,
        registry="ecr",
        docs=(_DENIED,),
    ),
    Row(
        "task-secret-unavailable",
        "a secret or parameter that the task injects is gone, or the execution role may not read it or its key",
        "identity",
        ("secret-unavailable", "kms-denied"),
        ("prepare",),
        docs=(
            ("ResourceInitializationError task errors", f"{_ECS}resource-initialization-error.html"),
            _EXECUTION_ROLE,
        ),
    ),
    # The way to it.
    Row(
        "no-route-to-registry",
        "the subnet has no usable route, and no endpoint, to a host the pull needs",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        docs=(_PULL, _FARGATE_NETWORK),
    ),
    Row(
        "blackhole-route",
        "the route that matches leads nowhere, and what it led to cannot be read any more",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        docs=(_PULL, _FARGATE_NETWORK),
    ),
    Row(
        "internet-gateway-detached",
        "the route names an internet gateway that is not attached to this VPC",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        "public",
        docs=(_PULL, _FARGATE_NETWORK),
    ),
    Row(
        "no-public-ip",
        "the route leads to an internet gateway and the puller has no public address",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        "public",
        docs=(_PULL, _FARGATE_NETWORK),
    ),
    Row(
        "nat-gateway-unusable",
        "the NAT gateway is not available, is private, or has no way out itself",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        "public",
        docs=(("NAT gateway basics", f"{_VPC}userguide/nat-gateway-basics.html"), _PULL),
    ),
    Row(
        "ecr-api-endpoint-missing",
        "a subnet that depends on ECR endpoints lacks ecr.api where the platform needs it",
        "network",
        ("network-timeout",),
        ("sign-in",),
        "public",
        ("ecr-api",),
        "ecr",
        docs=(_ENDPOINTS,),
    ),
    Row(
        "ecr-dkr-endpoint-missing",
        "a subnet that depends on ECR endpoints lacks ecr.dkr",
        "network",
        ("network-timeout",),
        ("resolve",),
        "public",
        ("ecr-registry",),
        "ecr",
        docs=(_ENDPOINTS,),
    ),
    Row(
        "s3-endpoint-missing",
        "no gateway endpoint for S3 on the subnet's route table, nor another way to the image's layers",
        "network",
        ("network-timeout",),
        ("download",),
        "public",
        ("s3",),
        "ecr",
        docs=(_ENDPOINTS,),
    ),
    Row(
        "endpoint-not-available",
        "an endpoint that the path uses is pending, rejected, failed, or has no network interface",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        docs=(_ENDPOINTS,),
    ),
    Row(
        "endpoint-private-dns-off",
        "the endpoint is there, its private DNS is off and no hosted zone replaces it",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        "public",
        registry="ecr",
        docs=(_ENDPOINTS,),
    ),
    Row(
        "endpoint-lacks-name",
        "its private DNS is on but does not cover the name used (dual-stack, FIPS, other Region)",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        "public",
        registry="ecr",
        docs=(_ENDPOINTS, ("Making requests to Amazon ECR registries", f"{_ECR}ecr-requests.html")),
    ),
    Row(
        "endpoint-security-group-blocks",
        "the endpoint's security group does not let 443 in from the puller",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        "private",
        registry="ecr",
        docs=(_ENDPOINTS,),
    ),
    Row(
        "endpoint-policy-denies",
        "the ecr.api or ecr.dkr endpoint policy denies the role or action",
        "network",
        REFUSALS,
        _ON_THE_WAY,
        "private",
        _OF_ECR,
        "ecr",
        docs=(_ENDPOINTS, _DENIED),
    ),
    Row(
        "s3-endpoint-policy-denies",
        "the S3 endpoint policy does not allow ECR's layer bucket",
        "network",
        ("s3-layer-denied",),
        ("download",),
        hosts=("s3", "ecr-registry"),
        registry="ecr",
        docs=(_ENDPOINTS,),
    ),
    Row(
        "security-group-egress-blocks",
        "the puller's security groups do not let 443 out to a host the pull needs",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        docs=(("Verify Amazon ECS stopped task connectivity", f"{_ECS}verify-connectivity.html"), _PULL),
    ),
    Row(
        "network-acl-blocks",
        "a network ACL stops the request or the reply",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        docs=(("Custom network ACLs for your VPC", f"{_VPC}userguide/custom-network-acl.html"),),
    ),
    Row(
        "vpc-dns-off",
        "DNS support (or, for private DNS, DNS hostnames) is off in the VPC",
        "network",
        ("dns-failure", "network-timeout"),
        _ON_THE_WAY,
        "public",
        docs=(_VPC_DNS, _ENDPOINTS),
    ),
    Row(
        "custom-dns-breaks-name",
        "the DHCP options name other resolvers than AmazonProvidedDNS, and the name does not resolve, or resolves "
        "past the private endpoint",
        "network",
        ("dns-failure", "network-timeout"),
        _ON_THE_WAY,
        "public",
        best="likely",
        docs=(("DHCP option set concepts", f"{_VPC}userguide/DHCPOptionSetConcepts.html"), _VPC_DNS),
    ),
)

"""What several rows share: the pages of AWS that speak of them, and the symptoms that they explain."""

from __future__ import annotations

from pull_doctor.causes.row import HostClass
from pull_doctor.intake.symptom import Kind, Phase

ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/"
VPC = "https://docs.aws.amazon.com/vpc/latest/"
ROUTE_53 = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/"
PULL = ("CannotPullContainerError task errors", f"{ECS}task_cannot_pull_image.html")
ENDPOINTS = ("Amazon ECR interface VPC endpoints", f"{ECR}vpc-endpoints.html")
FARGATE_NETWORK = ("Fargate task networking", f"{ECS}fargate-task-networking.html")
EXECUTION_ROLE = ("Amazon ECS task execution IAM role", f"{ECS}task_execution_IAM_role.html")
TASK_ROLE = ("Amazon ECS task IAM role", f"{ECS}task-iam-roles.html")
LOGIN = ("Using non-AWS container images in Amazon ECS", f"{ECS}private-auth.html")
VPC_DNS = ("Understanding Amazon DNS", f"{VPC}userguide/AmazonDNS-concepts.html")
DEPLOYMENT = ("Amazon ECS rolling deployments", f"{ECS}deployment-type-ecs.html")
DENIED = (
    "Troubleshoot access denied error messages",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
)

ON_THE_WAY: tuple[Phase, ...] = ("sign-in", "resolve", "download")
OF_ECR: tuple[HostClass, ...] = ("ecr-api", "ecr-registry")
NO_ANSWER: tuple[Kind, ...] = ("network-timeout", "image-too-large-or-pull-timeout")
"""What a closed way shows as: the caller gives up, or on a host the agent does."""
NOT_THERE: tuple[Kind, ...] = ("image-not-found", "repository-not-found")

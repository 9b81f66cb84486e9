"""The only modules of the diagnosis that call AWS or a registry: one reader answers one kind of question."""

from pull_doctor.facts.readers import (
    dns,
    ec2,
    ec2_gateways,
    ecr,
    ecs,
    iam,
    kms,
    organizations,
    registry,
    registry_rules,
    route53,
    secrets,
    tasks,
)
from pull_doctor.facts.readers.reader import READERS, IncompleteAnswerError, Reader

__all__ = [
    "READERS",
    "IncompleteAnswerError",
    "Reader",
    "dns",
    "ec2",
    "ec2_gateways",
    "ecr",
    "ecs",
    "iam",
    "kms",
    "organizations",
    "registry",
    "registry_rules",
    "route53",
    "secrets",
    "tasks",
]

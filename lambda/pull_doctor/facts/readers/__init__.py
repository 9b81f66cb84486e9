"""The only modules of the diagnosis that call AWS: one reader answers one kind of question."""

from pull_doctor.facts.readers import ec2, ecr, ecs, iam, tasks
from pull_doctor.facts.readers.reader import READERS, IncompleteAnswerError, Reader

__all__ = ["READERS", "IncompleteAnswerError", "Reader", "ec2", "ecr", "ecs", "iam", "tasks"]

"""Writes, for each account in ``reader-roles``, the template of the role that its owner makes there."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from infra.settings import Settings
from pull_doctor.facts import permissions
from pull_doctor.facts.aws import ReaderRole


def write_templates(directory: Path, settings: Settings) -> None:
    """Write ``reader-role-<account>.template.json`` for every account whose reader role is set."""
    for account, role in (settings.reader_roles or {}).items():
        text = json.dumps(template(role, settings.switched_off_reads), indent=1)
        (directory / _file_name(account)).write_text(text + "\n", encoding="utf-8")


def deploy_command(account: str, function_role: str) -> str:
    """Return the shell line with which the owner of an account makes the reader role there."""
    return (
        f"aws cloudformation deploy --stack-name pull-doctor-reader --template-file cdk.out/{_file_name(account)} "
        f"--capabilities CAPABILITY_NAMED_IAM --parameter-overrides FunctionRoleArn={function_role}"
    )


def _file_name(account: str) -> str:
    return f"reader-role-{account}.template.json"


def template(role: ReaderRole, switched_off: Collection[str] = ()) -> dict[str, Any]:
    """Return the CloudFormation template of one reader role, which the function alone may assume.

    Without tasks of its own the account is read only as the owner of images, keys and secrets. The external id is asked
    for where one is set: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    """
    path, _, name = role.arn.split(":", 5)[5].removeprefix("role").rpartition("/")
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "FunctionRoleArn"}},
        "Action": "sts:AssumeRole",
    }
    if role.external_id:
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": role.external_id}}
    reads = [
        permissions.policy_document(action for action in actions if action not in switched_off)
        for actions in (permissions.actions(), permissions.owner_actions())
    ]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Lets pull-doctor read why an ECS task could not pull its image",
        "Parameters": {
            "FunctionRoleArn": {
                "Type": "String",
                "AllowedPattern": "arn:aws[a-z-]*:iam::[0-9]{12}:role/.+",
                "Description": "The output FunctionRoleArn of the stack PullDoctor",
            },
            "TasksRunHere": {
                "Type": "String",
                "AllowedValues": ["no", "yes"],
                "Default": "no",
                "Description": "yes, if ECS tasks of this account are diagnosed too; no, if only its images are pulled",
            },
        },
        "Conditions": {"Tasks": {"Fn::Equals": [{"Ref": "TasksRunHere"}, "yes"]}},
        "Resources": {
            "Reader": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": name,
                    "Path": f"{path}/",
                    "Description": "Reads why an ECS task could not pull its image",
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                    "Policies": [{"PolicyName": "PullDoctor", "PolicyDocument": {"Fn::If": ["Tasks", *reads]}}],
                },
            }
        },
    }

"""Reads IAM: roles, and what a role's policies, its boundary, and the organization's policies decide.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html. No context keys are passed: a
decision that needed some names them in ``missing_context``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers

_PAGE = 1000
_MISSING = ("NoSuchEntity", "NoSuchEntityException")
_DECISIONS = ("allowed", "explicitDeny", "implicitDeny")


@answers(questions.OneRole, "iam:GetRole")
def one_role(aws: Aws, question: questions.OneRole) -> values.Role | None:
    """Read a role by its name, which is unique in its account: under another path there is no such role.

    Names differ in more than case: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html and
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
    """
    try:
        found = aws.client("iam", question.region, question.account).get_role(RoleName=question.role.rsplit("/", 1)[-1])
    except ClientError as error:
        if error_code(error) in _MISSING:
            return None
        raise
    role = found["Role"]
    if role["Arn"].casefold() != question.role.casefold():
        return None
    trust = role["AssumeRolePolicyDocument"]  # botocore has decoded it
    if not isinstance(trust, dict):
        raise IncompleteAnswerError(f"the trust policy of {question.role} is not JSON")
    return values.Role(
        arn=role["Arn"],
        trust=json.dumps(trust, sort_keys=True),
        boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
    )


@answers(questions.OneInstanceProfile, "iam:GetInstanceProfile")
def one_instance_profile(aws: Aws, question: questions.OneInstanceProfile) -> values.InstanceProfile | None:
    """Read an instance profile by its name, which is unique in its account; it holds one role at most.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html
    """
    iam = aws.client("iam", question.region, question.account)
    try:
        found = iam.get_instance_profile(InstanceProfileName=question.arn.rsplit("/", 1)[-1])
    except ClientError as error:
        if error_code(error) in _MISSING:
            return None
        raise
    profile = found["InstanceProfile"]
    if profile["Arn"].casefold() != question.arn.casefold():
        return None
    return values.InstanceProfile(profile["Arn"], next((role["Arn"] for role in profile["Roles"]), None))


@answers(questions.Simulation, "iam:SimulatePrincipalPolicy")
def simulation(aws: Aws, question: questions.Simulation) -> tuple[values.Simulated, ...] | None:
    """Simulate the actions on one resource; IAM answers one result for each action."""
    paginator = aws.client("iam", question.region, question.account).get_paginator("simulate_principal_policy")
    pages = paginator.paginate(
        PolicySourceArn=question.role,
        ActionNames=list(question.actions),
        ResourceArns=[question.resource],
        PaginationConfig={"PageSize": _PAGE},
    )
    try:
        results = [result for page in pages for result in page["EvaluationResults"]]
    except ClientError as error:
        if error_code(error) in _MISSING:
            return None
        raise
    by_action = {result["EvalActionName"].lower(): result for result in results}
    unanswered = [action for action in question.actions if action.lower() not in by_action]
    if unanswered:
        raise IncompleteAnswerError(f"IAM answered nothing for {', '.join(unanswered)}")
    return tuple(_simulated(action, by_action[action.lower()], question.resource) for action in question.actions)


def _simulated(action: str, result: Mapping[str, Any], resource: str) -> values.Simulated:
    """The decision for the resource that was asked about.

    It stands in ``ResourceSpecificResults``; an older form of the answer has it in the result itself, as has the
    answer for ``*``.
    """
    specific: Mapping[str, Any] = next(
        (each for each in result.get("ResourceSpecificResults", []) if each["EvalResourceName"] == resource), {}
    )
    decision = specific.get("EvalResourceDecision") or result["EvalDecision"]
    if decision not in _DECISIONS:
        raise IncompleteAnswerError(f"IAM decided {decision!r} for {action}")
    statements = _of_either(specific, result, "MatchedStatements") or ()
    boundary = _of_either(specific, result, "PermissionsBoundaryDecisionDetail") or {}
    return values.Simulated(
        action=action,
        decision=cast("Any", decision),
        statements=tuple(dict.fromkeys(each["SourcePolicyId"] for each in statements if "SourcePolicyId" in each)),
        missing_context=tuple(_of_either(specific, result, "MissingContextValues") or ()),
        boundary_allows=boundary.get("AllowedByPermissionsBoundary"),
        organization_allows=result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations"),
    )


def _of_either(specific: Mapping[str, Any], result: Mapping[str, Any], member: str) -> Any:
    return specific.get(member) or result.get(member)

"""Reads IAM: roles and their policies, and what these, the boundary, and the organization's policies decide.

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
    role = _described(aws.client("iam", question.region, question.account), question.role)
    if not role:
        return None
    return values.Role(
        arn=role["Arn"],
        trust=_text(role["AssumeRolePolicyDocument"], f"the trust policy of {question.role}"),
        boundary=_boundary_of(role),
        id=role["RoleId"],
        tags=tuple((tag["Key"], tag["Value"]) for tag in role.get("Tags", [])),
    )


@answers(
    questions.PoliciesOfRole,
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
)
def policies_of_role(aws: Aws, question: questions.PoliciesOfRole) -> values.RolePolicies | None:
    """Read every policy document of a role; one that is detached or deleted meanwhile fails the read.

    A managed policy holds in its default version:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
    """
    iam = aws.client("iam", question.region, question.account)
    role = _described(iam, question.role)
    if not role:
        return None
    name = role["RoleName"]
    try:
        attached = _listed(iam, "list_attached_role_policies", "AttachedPolicies", name)
        inline = _listed(iam, "list_role_policies", "PolicyNames", name)
    except ClientError as error:
        if error_code(error) in _MISSING:
            return None
        raise
    boundary = _boundary_of(role)
    return values.RolePolicies(
        identity=(
            *(_managed(iam, policy["PolicyArn"]) for policy in attached),
            *(_inline(iam, name, policy) for policy in inline),
        ),
        boundary=_managed(iam, boundary) if boundary else None,
    )


def _described(iam: Any, arn: str) -> Mapping[str, Any] | None:
    """The role with this ARN as GetRole has it; ``None`` if there is none."""
    try:
        role: Mapping[str, Any] = iam.get_role(RoleName=arn.rsplit("/", 1)[-1])["Role"]
    except ClientError as error:
        if error_code(error) in _MISSING:
            return None
        raise
    return role if role["Arn"].casefold() == arn.casefold() else None


def _boundary_of(role: Mapping[str, Any]) -> str | None:
    found: str | None = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return found


def _listed(iam: Any, operation: str, member: str, role: str) -> list[Any]:
    pages = iam.get_paginator(operation).paginate(RoleName=role, PaginationConfig={"PageSize": _PAGE})
    return [item for page in pages for item in page[member]]


def _managed(iam: Any, arn: str) -> values.NamedPolicy:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return values.NamedPolicy(arn, _text(document, f"policy {arn}"))


def _inline(iam: Any, role: str, name: str) -> values.NamedPolicy:
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    return values.NamedPolicy(name, _text(document, f"policy {name} of role {role}"))


def _text(document: Any, named: str) -> str:
    """The JSON text of a document that botocore has decoded; it leaves as it is what it cannot decode."""
    if not isinstance(document, dict):
        raise IncompleteAnswerError(f"{named} is not JSON")
    return json.dumps(document, sort_keys=True)


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

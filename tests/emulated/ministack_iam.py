"""What MiniStack's IAM and Organizations answer for an account, as AWS does: in an organization, or in none."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from xml.sax.saxutils import escape

responses: Any = import_module("ministack.core.responses")
evaluator: Any = import_module("ministack.core.iam_evaluator")
iam: Any = import_module("ministack.services.iam")
organizations: Any = import_module("ministack.services.organizations")

_organizations: dict[str, str] = {}
"""By account: the id of its organization. An account that is not here is in none."""

_service_control_policies: dict[str, list[Any]] = {}
"""By account: the statements of its service control policies; without an entry only FullAWSAccess holds."""

_FULL_ACCESS = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_MANAGEMENT_ACCOUNT = "999999999999"
_ALWAYS_KNOWN = (
    "aws:principalaccount",
    "aws:principalid",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalorgmasteraccountid",
)
"""The condition keys that a simulation fills in by itself.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html"""


def patch() -> None:
    """Answer for each account as for what it was made: a member of an organization, or of none."""
    _simulation()
    _organization()


def set_organization(change: dict[str, Any]) -> dict[str, Any]:
    """Put an account into an organization with full access, or take it out: ``null`` as its id."""
    _service_control_policies.pop(change["account"], None)
    if change["organization"]:
        _organizations[change["account"]] = change["organization"]
    else:
        _organizations.pop(change["account"], None)
    return {}


def set_service_control_policies(change: dict[str, Any]) -> dict[str, Any]:
    """The statements of all service control policies that hold for an account."""
    if change["account"] not in _organizations:
        raise KeyError(f"account {change['account']} is in no organization")
    _service_control_policies[change["account"]] = evaluator.parse_policy_document({"Statement": change["statements"]})
    return {}


def _simulation() -> None:
    """Simulate a role with its boundary and its organization, and answer in the form that IAM has since 2026.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    actions = next(value for value in vars(iam).values() if isinstance(value, dict) and "GetRolePolicy" in value)

    def simulate(parameters: dict[str, Any]) -> Any:
        source = iam._p(parameters, "PolicySourceArn")
        name = source.rsplit("/", 1)[-1]
        role = iam._roles.get(name)
        if not role or role["Arn"] != source:
            return iam._error(404, "NoSuchEntity", f"The role with name {name} cannot be found.", ns="iam")
        names, resources = (_members(parameters, member) for member in ("ActionNames", "ResourceArns"))
        results = "".join(f"<member>{_result(role, name, resources or ['*'])}</member>" for name in names)
        answer = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
        answer = f"<SimulatePrincipalPolicyResult>{answer}</SimulatePrincipalPolicyResult>"
        return iam._xml(200, "SimulatePrincipalPolicyResponse", answer, ns="iam")

    actions["SimulatePrincipalPolicy"] = simulate


def _members(parameters: dict[str, Any], name: str) -> list[str]:
    """The values of a list in IAM's query protocol."""
    found: list[str] = []
    while value := iam._p(parameters, f"{name}.member.{len(found) + 1}"):
        found.append(value)
    return found


def _result(role: dict[str, Any], action: str, resources: list[str]) -> str:
    """The result of one action: the most restrictive decision, and beside it those of the resources by their ARNs."""
    decided = [_decided(role, action, resource) for resource in resources]
    worst = next(one for one in ("explicitDeny", "implicitDeny", "allowed") if one in {each[0] for each in decided})
    account = responses.get_account_id()
    organization = ""
    if account in _organizations:
        allowed = all(each[2] for each in decided)
        organization = f"<AllowedByOrganizations>{str(allowed).lower()}</AllowedByOrganizations>"
        organization = f"<OrganizationsDecisionDetail>{organization}</OrganizationsDecisionDetail>"
    specific = "".join(
        f"<member><EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalResourceDecision>{decision}</EvalResourceDecision>{more}</member>"
        for resource, (decision, more, _) in zip(resources, decided, strict=True)
        if resource != "*"
    )
    return (
        f"<EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>*</EvalResourceName>"
        f"<EvalDecision>{worst}</EvalDecision>{organization}"
        f"<ResourceSpecificResults>{specific}</ResourceSpecificResults>{'' if specific else decided[0][1]}"
    )


def _decided(role: dict[str, Any], action: str, resource: str) -> tuple[str, str, bool]:
    """The decision on one resource, what explains it as XML, and whether the organization allows it."""
    account = responses.get_account_id()
    request = evaluator.EvalContext(role["Arn"], "AssumedRole", account, action, resource, responses.get_region())
    documents = dict(role.get("InlinePolicies") or {})
    for arn in role.get("AttachedPolicies", []):
        documents[arn.rsplit("/", 1)[-1]] = evaluator._resolve_managed_policy_document(arn, account)
    own = {name: evaluator.parse_policy_document(document) for name, document in documents.items()}
    boundary = evaluator._permissions_boundary(iam._roles, role["RoleName"], account)
    full = evaluator.parse_policy_document(_FULL_ACCESS)
    controls = [[_service_control_policies.get(account, full)]] if account in _organizations else []
    decision = evaluator.evaluate(request, list(own.values()), *boundary, *controls).decision
    owner = resource.split(":")[4] if resource.count(":") > 4 else ""
    if decision == "Allow" and owner not in ("", account):
        # Of another account's resource its policy has to allow it too, which a simulation of a role is not given.
        decision = "ImplicitDeny"
    effect = "Deny" if decision == "Deny" else "Allow"
    matched = [name for name, statements in own.items() if evaluator._first_match(request, statements, effect)]
    shown = [one for policies in (own.values(), *boundary) for policy in policies for one in policy]
    keys = {key for one in shown for block in one.conditions.values() for key in block}
    missing = sorted(key for key in keys if key.lower() not in _ALWAYS_KNOWN)
    explained = "<MatchedStatements>"
    for name in matched:
        explained += f"<member><SourcePolicyId>{escape(name)}</SourcePolicyId></member>"
    explained += "</MatchedStatements><MissingContextValues>"
    explained += "".join(f"<member>{escape(key)}</member>" for key in missing) + "</MissingContextValues>"
    for limit in boundary:
        allowed = str(evaluator.evaluate(request, limit).decision == "Allow").lower()
        detail = f"<AllowedByPermissionsBoundary>{allowed}</AllowedByPermissionsBoundary>"
        explained += f"<PermissionsBoundaryDecisionDetail>{detail}</PermissionsBoundaryDecisionDetail>"
    by_organization = all(evaluator.evaluate(request, limit).decision == "Allow" for limit in controls)
    names = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}
    return names[decision], explained, by_organization


def _organization() -> None:
    """Answer for a member account, or for one that is in no organization: MiniStack makes every account its own."""

    def describe(_: dict[str, Any]) -> Any:
        found = _organizations.get(responses.get_account_id())
        if not found:
            message = "Your account is not a member of an organization."
            return responses.error_response_json("AWSOrganizationsNotInUseException", message, 400)
        prefix = f"arn:aws:organizations::{_MANAGEMENT_ACCOUNT}"
        organization = {
            "Id": found,
            "Arn": f"{prefix}:organization/{found}",
            "FeatureSet": "ALL",
            "MasterAccountArn": f"{prefix}:account/{found}/{_MANAGEMENT_ACCOUNT}",
            "MasterAccountId": _MANAGEMENT_ACCOUNT,
            "MasterAccountEmail": "management@example.com",
            "AvailablePolicyTypes": [],
        }
        return organizations._json(200, {"Organization": organization})

    organizations._DISPATCH["DescribeOrganization"] = describe

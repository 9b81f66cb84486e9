"""Runs MiniStack on an inherited socket, and opens under ``/_control/`` what only AWS itself may do.

Runs in MiniStack's own virtual environment: ``python ministack_launcher.py FD`` where FD is a listening socket.
It ends, with every Lambda worker it started, as soon as its standard input closes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
import threading
import uuid
from importlib import import_module
from typing import Any
from xml.sax.saxutils import escape

app: Any = import_module("ministack.app")
responses: Any = import_module("ministack.core.responses")
runtime: Any = import_module("ministack.core.lambda_runtime")
evaluator: Any = import_module("ministack.core.iam_evaluator")
ecs: Any = import_module("ministack.services.ecs")
events: Any = import_module("ministack.services.eventbridge")
functions: Any = import_module("ministack.services.lambda_svc")
iam: Any = import_module("ministack.services.iam")
organizations: Any = import_module("ministack.services.organizations")
sns: Any = import_module("ministack.services.sns")
sts: Any = import_module("ministack.services.sts")

_ATTEMPTS = 3
"""An event is tried twice more: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""

_mails: list[dict[str, str]] = []
_pending: dict[int, tuple[Any, int]] = {}
"""By the event's identity: the event, and the attempts that it has left."""

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


def _put_event(event: dict[str, Any]) -> dict[str, Any]:
    """An event as the service itself puts it: with its own id and time, from a source that no caller may name."""
    record = {
        "EventId": event["id"],
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "EventBusName": "default",
        "Time": event["time"],
        "Resources": event["resources"],
        "Account": event["account"],
        "Region": event["region"],
    }
    with responses.request_scope(event["account"], event["region"]):
        events._dispatch_event(record)
    return {}


def _patch_task(change: dict[str, Any]) -> dict[str, Any]:
    """What ECS alone decides about a task: who started it, when, and the network interface it was given."""
    with responses.request_scope(change["account"], change["region"]):
        task = ecs._tasks[change["task"]]
        task.update(change["members"])
        ecs._refresh_service_state(task["clusterArn"].rsplit("/", 1)[-1], task["group"])
    return {}


def _invocations(_: dict[str, Any]) -> dict[str, Any]:
    """How many events a function has not handled yet: it runs, or its retry is due."""
    return {"pending": len(_pending)}


def _mail(_: dict[str, Any]) -> dict[str, Any]:
    return {"mails": _mails}


def _set_organization(change: dict[str, Any]) -> dict[str, Any]:
    """Put an account into an organization with full access, or take it out: ``null`` as its id."""
    _service_control_policies.pop(change["account"], None)
    if change["organization"]:
        _organizations[change["account"]] = change["organization"]
    else:
        _organizations.pop(change["account"], None)
    return {}


def _set_service_control_policies(change: dict[str, Any]) -> dict[str, Any]:
    """The statements of all service control policies that hold for an account."""
    if change["account"] not in _organizations:
        raise KeyError(f"account {change['account']} is in no organization")
    _service_control_policies[change["account"]] = evaluator.parse_policy_document({"Statement": change["statements"]})
    return {}


_CONTROLS = {
    "event": _put_event,
    "task": _patch_task,
    "mail": _mail,
    "invocations": _invocations,
    "organization": _set_organization,
    "service-control-policies": _set_service_control_policies,
}


def _role_credentials(config: dict[str, Any]) -> dict[str, str]:
    """A session of the function's role, so that its calls can be told from everybody else's."""
    account, _ = runtime._account_region_from_function_config(config)
    role, name = config["Role"].rsplit("/", 1)[-1], config["FunctionName"]
    key = "ASIA" + hashlib.sha256(f"{account}{role}{name}".encode()).hexdigest()[:16].upper()
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/{name}"
    sts.register_session(
        key, {"Arn": arn, "UserId": f"{role}:{name}", "SecretAccessKey": "secret", "SessionToken": "token"}
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


def _patch_lambda() -> None:
    """Let a rule's event take Lambda's asynchronous path, with its retries and its on-failure destination."""
    execute = functions._execute_function

    def dispatch(arn: str, payload: str) -> None:
        function, config, _ = functions._get_func_record_for_ref(arn)
        event = json.loads(payload)
        _pending[id(event)] = event, _ATTEMPTS
        functions.invoke_async_with_retry(functions._execution_record_for_config(function, config), event)

    def counted(function: Any, event: Any, *more: Any, **named: Any) -> Any:
        result = execute(function, event, *more, **named)
        _, attempts = _pending.pop(id(event), (None, 0))
        if attempts > 1 and result.get("error"):
            _pending[id(event)] = event, attempts - 1
        return result

    events._dispatch_to_lambda = dispatch
    functions._execute_function = counted
    runtime.execution_credentials = functions.execution_credentials = _role_credentials


def _patch_ecs() -> None:
    """Start no task that no world asked for, and write ids and deployments as AWS does."""
    make_deployment = ecs._make_deployment

    def deployment(task_definition: str, desired_count: int, status: str = "PRIMARY") -> dict[str, Any]:
        made: dict[str, Any] = make_deployment(task_definition, desired_count, status)
        made["id"] = "ecs-svc/" + str(int(made["id"].removeprefix("ecs-svc/"), 16))[:19]
        return made

    def with_network(change: Any) -> Any:
        def changed(data: dict[str, Any]) -> Any:
            if "networkConfiguration" in data:
                data = {"forceNewDeployment": True} | data  # as on AWS; MiniStack keeps the old deployment
            answer = change(data)
            for service in ecs._services.values():
                primary = ecs._primary_deployment(service)
                if primary and "networkConfiguration" not in primary:
                    primary["networkConfiguration"] = service["networkConfiguration"]
                    primary["platformVersion"] = service["platformVersion"] or "1.4.0"
            return answer

        return changed

    ecs.new_uuid = lambda: uuid.uuid4().hex
    ecs._make_deployment = deployment
    ecs._reconcile_service_tasks = lambda _cluster, _service: None
    for action in ("CreateService", "UpdateService"):
        ecs._ACTION_MAP[action] = with_network(ecs._ACTION_MAP[action])


def _patch_iam() -> None:
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


def _patch_organizations() -> None:
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


def _patch_sns() -> None:
    """Keep what subscribers by e-mail are sent."""
    fan_out = sns._fanout

    def fan_out_with_mail(topic: str, message_id: str, message: str, subject: str, *more: Any, **named: Any) -> None:
        fan_out(topic, message_id, message, subject, *more, **named)
        text = sns._resolve_message_for_protocol(message, more[0] if more else "", "email")
        _mails.extend(
            {"to": subscription["endpoint"], "subject": subject, "text": text}
            for subscription in sns._topic_by_arn_any_scope(topic)["subscriptions"]
            if subscription["protocol"] == "email"
        )

    sns._fanout = fan_out_with_mail


async def _served(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http" or not scope["path"].startswith("/_control/"):
        await app.app(scope, receive, send)
        return
    body = b""
    while True:
        part = await receive()
        body += part["body"]
        if not part.get("more_body"):
            break
    answer = _CONTROLS[scope["path"].removeprefix("/_control/")](json.loads(body))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def _main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for patch in (_patch_ecs, _patch_iam, _patch_lambda, _patch_organizations, _patch_sns):
        patch()
    config = import_module("hypercorn.config").Config()
    config.bind = [f"fd://{sys.argv[1]}"]
    config.loglevel = os.environ["LOG_LEVEL"]
    asyncio.run(import_module("hypercorn.asyncio").serve(_served, config))


if __name__ == "__main__":
    _main()

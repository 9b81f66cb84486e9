"""What AWS asks for before one account's call reaches another account's thing: that the owner's policy admits it.

A policy admits an account if it names it; its statements are not evaluated. A role's trust policy is: who, and with
which external id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlencode

import urllib3

from tests.emulated import moto_repairs
from tests.emulated.actions import Request

_OWNERS_ALONE = {"ecr:DescribePullThroughCacheRules", "kms:GetKeyPolicy"}
"""Answered to no other account. https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html"""

_ARNS = {"ecr": "resourceArn", "secretsmanager": "SecretId", "kms": "KeyId"}
"""The member that may name a thing of another account by its ARN."""

Ask = Callable[[str, str, str, dict[str, str], str], str]
"""Asks MiniStack: with an access key or as an account, which service in which Region, with which headers and body."""


def asker(pool: urllib3.PoolManager, ministack: str) -> Ask:
    """What asks MiniStack."""

    def ask(key: str, service: str, region: str, headers: dict[str, str], body: str) -> str:
        scope = f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request"
        answer = pool.request("POST", ministack, body=body, headers={"Authorization": scope, **headers})
        return answer.data.decode()

    return ask


def owner_of(request: Request, account: str) -> str:
    """The account whose thing the request names; the caller's own where it names none."""
    named = request.parameters
    if request.service == "ecr" and "registryId" in named:
        return str(named["registryId"])
    arn = str(named.get(_ARNS.get(request.service, ""), ""))
    return arn.split(":")[4] if arn.startswith("arn:") else account


def admits(request: Request, account: str, caller: str, ask: Ask) -> bool:
    """Whether the owner of what the request names lets this caller in."""
    if request.action == "sts:AssumeRole":
        role = request.parameters["RoleArn"]
        return role.split(":")[4] == account or _trusts(request, account, caller, ask)
    owner = owner_of(request, account)
    if owner == account:
        return True
    return request.action not in _OWNERS_ALONE and account in _policy(request, owner, ask)


def _policy(request: Request, owner: str, ask: Ask) -> str:
    """The policy of what the request names, as text; empty if it has none, or there is no such thing."""
    named = request.parameters
    if request.service == "ecr":
        names = named.get("repositoryNames", []) or [named.get("repositoryName") or _repository(named)]
        policies = [moto_repairs.repository_policy(owner, request.region, name) for name in names]
        return " ".join(policies) if all(policies) else ""
    if request.service == "kms":
        target, body = "TrentService.GetKeyPolicy", {"KeyId": named["KeyId"]}
    else:
        target, body = "secretsmanager.GetResourcePolicy", {"SecretId": named["SecretId"]}
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    answer = json.loads(ask(owner, request.service, request.region, headers, json.dumps(body)))
    return str(answer.get("Policy") or answer.get("ResourcePolicy") or "")


def _repository(named: dict[str, Any]) -> str:
    return str(named.get("resourceArn", "")).partition("/")[2]


def _trusts(request: Request, account: str, caller: str, ask: Ask) -> bool:
    """Whether the trust policy of another account's role names the caller, and the external id that it gives.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    """
    role = request.parameters["RoleArn"]
    form = urlencode({"Action": "GetRole", "Version": "2010-05-08", "RoleName": role.rsplit("/", 1)[-1]})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(role.split(":")[4], "iam", "us-east-1", headers, form)
    found = re.search(r"<AssumeRolePolicyDocument>(.*?)</AssumeRolePolicyDocument>", answer)
    if not found or f"<Arn>{role}</Arn>" not in answer:
        return False
    callers = {account, f"arn:aws:iam::{account}:root"}
    if ":assumed-role/" in caller:
        callers.add(f"arn:aws:iam::{account}:role/{caller.split('/')[1]}")
    return any(
        _listed(statement["Principal"].get("AWS", [])) & callers and _fits(statement.get("Condition", {}), request)
        for statement in json.loads(unquote(found[1]))["Statement"]
        if statement["Effect"] == "Allow"
    )


def _fits(condition: dict[str, Any], request: Request) -> bool:
    """Whether the external id is the one that is asked for; no other condition is evaluated here."""
    if not condition:
        return True
    if set(condition) != {"StringEquals"} or set(condition["StringEquals"]) != {"sts:ExternalId"}:
        raise ValueError(f"not evaluated here: {condition}")
    return request.parameters.get("ExternalId") in _listed(condition["StringEquals"]["sts:ExternalId"])


def _listed(value: str | list[str]) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def as_account(headers: dict[str, str], account: str) -> dict[str, str]:
    """The headers of the same call with an account's own credentials, from which MiniStack takes where to look."""
    scope = re.sub(r"Credential=[^/]+/", f"Credential={account}/", headers["authorization"])
    return {name: value for name, value in headers.items() if name != "x-amz-security-token"} | {"authorization": scope}

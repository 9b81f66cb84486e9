import json
from typing import Any

from pull_doctor.policy.evaluate import evaluate
from pull_doctor.policy.request import Caller, Outside, Request

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service/web-exec"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/task-1"
REPOSITORY = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/team/app"
LAYERS = "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*"
PULL = Request("ecr:BatchGetImage", REPOSITORY, Caller(ROLE))
GET = Request("s3:GetObject", LAYERS, Outside(ACCOUNT))


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal: Any = "*", action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource} | more


def deny(principal: Any = "*", **more: Any) -> dict[str, Any]:
    return allow(principal, **more) | {"Effect": "Deny"}


def when(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


def effect(request: Request, *statements: dict[str, Any]) -> str:
    return evaluate(policy(*statements), request).effect

"""Which IAM action one AWS request is, which resource it touches, and how its service refuses it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import OperationModel, ServiceModel

_SERVICES = {"monitoring": "cloudwatch"}
"""What botocore and IAM call a service whose requests are signed with another name."""

_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "dynamodb:TransactGetItems": "dynamodb:GetItem",
}
"""Operations whose IAM action has another name.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html"""

_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Request:
    """One signed AWS request: who asks which service for which operation, and with what."""

    access_key: str
    region: str
    service: str
    operation: str
    parameters: dict[str, Any]

    @property
    def action(self) -> str:
        """The IAM action that the operation needs."""
        name = f"{self.service}:{self.operation}"
        return _ACTIONS.get(name, name)


@cache
def model(service: str) -> ServiceModel:
    """Botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def parse(method: str, url: str, headers: dict[str, str], body: bytes) -> Request | None:
    """The AWS request that these bytes are; ``None`` if it is not signed. Header names are lower case."""
    scope = _SCOPE.search(headers.get("authorization", ""))
    if not scope:
        return None
    access_key, region, signed_for = scope.groups()
    service = _SERVICES.get(signed_for, signed_for)
    path, query = urlsplit(url).path, urlsplit(url).query
    if named := parse_qs(query).get("x-id"):
        return Request(access_key, region, service, named[0], {})
    if target := headers.get("x-amz-target"):
        return Request(access_key, region, service, target.rpartition(".")[2], json.loads(body or b"{}"))
    if method == "POST" and path == "/" and b"Action=" in body:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        return Request(access_key, region, service, form["Action"], form)
    named_in_url = {key: values[0] for key, values in parse_qs(query).items()}
    return Request(access_key, region, service, _rest_operation(service, method, path, query), named_in_url)


def _rest_operation(service: str, method: str, path: str, query: str) -> str:
    """The operation whose URI in botocore's model fits best: most query names, longest path, shortest name."""
    given = set(parse_qs(query, keep_blank_values=True))
    matches = []
    for name in model(service).operation_names:
        operation = model(service).operation_model(name)
        http = operation.http
        pattern, _, wanted = http["requestUri"].partition("?")
        names = {item.partition("=")[0] for item in wanted.split("&") if item} | _required(operation)
        if http["method"] == method and names <= given and _uri(pattern).fullmatch(path):
            matches.append((len(names), len(re.sub(r"{[^}]*}", "", pattern)), -len(name), name))
    return max(matches)[-1] if matches else "Unknown"


def _required(operation: OperationModel) -> set[str]:
    """The query names without which the operation cannot be asked for."""
    shape = operation.input_shape
    members = [shape.members[name] for name in shape.required_members] if shape else []
    return {member.serialization["name"] for member in members if member.serialization.get("location") == "querystring"}


@cache
def _uri(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"({[^}]+})", pattern)
    return re.compile(
        "".join(".+" if part.endswith("+}") else "[^/]+" if part[:1] == "{" else re.escape(part) for part in parts)
        + "/?"
    )


def resource(request: Request, account: str) -> str | None:
    """The ARN that the request names; ``None`` where the operation takes ``*`` or this table does not know it."""
    named = request.parameters
    prefix = f"arn:aws:{request.service}:{request.region}:"
    if request.service == "ecr" and "repositoryName" in named:
        return f"{prefix}{named.get('registryId', account)}:repository/{named['repositoryName']}"
    if "TableName" in named:
        return f"{prefix}{account}:table/{named['TableName']}"
    if "SecretId" in named and not named["SecretId"].startswith("arn:"):
        return f"{prefix}{account}:secret:{named['SecretId']}-AbCdEf"
    members = ("TopicArn", "SecretId", "RoleArn", "PolicySourceArn", "KeyId", "resourceArn")
    return next((named[member] for member in members if str(named.get(member)).startswith("arn:")), None)


def allows(statements: list[dict[str, Any]], action: str, arn: str | None) -> bool:
    """Whether an identity policy's statements allow the action on the ARN; ``None`` fits any resource.

    Conditions are taken as met. Raises ``ValueError`` for ``NotAction`` and ``NotResource``.
    """
    effects = set()
    for statement in statements:
        if "NotAction" in statement or "NotResource" in statement:
            raise ValueError(f"not evaluated here: {statement}")
        on_resource = arn is None or any(_like(arn, item) for item in _listed(statement["Resource"]))
        if on_resource and any(_like(action.lower(), item.lower()) for item in _listed(statement["Action"])):
            effects.add(statement["Effect"])
    return effects == {"Allow"}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _like(text: str, pattern: str) -> bool:
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text))


Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, and body of a response."""


def refusal(service: str, kind: Literal["denied", "throttled"]) -> tuple[int, str]:
    """The HTTP status and the error code with which a service refuses, or turns away for coming too often."""
    if service == "ec2":
        return (403, "UnauthorizedOperation") if kind == "denied" else (503, "RequestLimitExceeded")
    protocol = model(service).resolved_protocol
    if protocol == "json":
        return 400, "AccessDeniedException" if kind == "denied" else "ThrottlingException"
    if protocol == "rest-json":
        return (403, "AccessDeniedException") if kind == "denied" else (429, "TooManyRequestsException")
    if service == "s3":
        return (403, "AccessDenied") if kind == "denied" else (503, "SlowDown")
    if kind == "throttled":
        return 400, "Throttling"
    return 403, "AuthorizationError" if service == "sns" else "AccessDenied"


def denied(request: Request, caller: str, arn: str | None) -> Answer:
    """The service's own refusal of an action that no identity policy allows."""
    message = (
        f"User: {caller} is not authorized to perform: {request.action} on resource: {arn or '*'} "
        f"because no identity-based policy allows the {request.action} action"
    )
    return _error(request.service, *refusal(request.service, "denied"), message)


def throttled(request: Request) -> Answer:
    """The service's own answer to too many requests."""
    return _error(request.service, *refusal(request.service, "throttled"), "Rate exceeded")


def key_disabled(request: Request) -> Answer:
    """SNS's answer to a message that the topic's key, which is disabled, cannot encrypt.

    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """
    message = "arn:aws:kms:eu-west-1:123456789012:key/topic is disabled."
    return _error(request.service, 400, "KMSDisabled", message)


def _error(service: str, status: int, code: str, message: str) -> Answer:
    """An error in the protocol that the service speaks: https://smithy.io/2.0/aws/protocols/index.html."""
    protocol = model(service).resolved_protocol
    if protocol in {"json", "rest-json"}:
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
        return status, headers, json.dumps({"__type": code, "message": message}).encode()
    detail = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if protocol == "ec2":
        text = f"<Response><Errors><Error>{detail}</Error></Errors><RequestID>refused</RequestID></Response>"
    elif protocol == "query":
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type>{detail}</Error><RequestId>refused</RequestId></ErrorResponse>"
        )
    else:
        text = f"<Error>{detail}<RequestId>refused</RequestId></Error>"
    return status, {"Content-Type": "text/xml"}, text.encode()

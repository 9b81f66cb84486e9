"""The one place that says why a read failed: an exception becomes an unknown fact."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from botocore import exceptions as b

from pull_doctor.facts.fact import Unknown, Why
from pull_doctor.facts.questions import Question
from pull_doctor.facts.registry.refusal import NoAnswerError
from pull_doctor.intake.scrub import scrub

_DETAIL_LIMIT = 300
_ENCODED_MESSAGE = re.compile(r"\s*Encoded authorization failure message:\s*\S+", re.IGNORECASE)
_DENIED_RESOURCE = re.compile(r"on resource:\s*(arn:[^\s\"']+)")

_DENIED = frozenset({"UnauthorizedOperation", "UnauthorizedException", "Client.UnauthorizedOperation"})
_THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
    }
)
_TIMED_OUT = frozenset({"RequestTimeout", "RequestTimeoutException"})
_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_NOT_MODELLED = frozenset({"InvalidAction", "NotImplemented", "UnknownOperationException"})
_TOO_MANY_REQUESTS = 429

# The field of a question that names what it is about, the most specific first.
_OWN_ID = (
    "subnet",
    "interface",
    "instance",
    "prefix_list",
    "vpc",
    "service",
    "arn",
    "host",
    "repository",
    "role",
    "secret",
    "key",
    "parameter",
    "family",
    "cluster",
)


def classify(error: BaseException) -> Why:
    """Why a read failed.

    ``timed-out`` is every way in which no answer came: a timeout, a refused or broken connection, a name that does
    not resolve. ``prerequisite`` is credentials that are absent, expired, or not valid here. ``not-modelled`` is a call
    that this botocore or the far side does not have. All else is ``crashed``, AWS's own 5xx among it.
    """
    if isinstance(error, b.ClientError):
        return _classify_code(error)
    if isinstance(error, NoAnswerError):
        return error.why
    if isinstance(error, (b.HTTPClientError, b.ConnectionError)):
        return "timed-out"
    if isinstance(
        error,
        (
            b.NoCredentialsError,
            b.PartialCredentialsError,
            b.CredentialRetrievalError,
            b.NoAuthTokenError,
            b.TokenRetrievalError,
            b.SSOError,
            b.ProfileNotFound,
            b.NoRegionError,
        ),
    ):
        return "prerequisite"
    if isinstance(error, (b.ParamValidationError, b.UnknownServiceError, b.OperationNotPageableError)):
        return "not-modelled"
    return "crashed"


def _classify_code(error: b.ClientError) -> Why:
    code = error_code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code.startswith("AccessDenied") or code in _DENIED:
        return "denied"
    if "throttl" in code.casefold() or code in _THROTTLED or status == _TOO_MANY_REQUESTS:
        return "throttled"
    if code in _TIMED_OUT:
        return "timed-out"
    if code in _CREDENTIALS:
        return "prerequisite"
    if code in _NOT_MODELLED:
        return "not-modelled"
    return "crashed"


def error_code(error: b.ClientError) -> str:
    """The code by which AWS names an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def detail(error: BaseException) -> str:
    """What AWS or botocore said: scrubbed, one line, shorter than 300 characters."""
    said = _ENCODED_MESSAGE.sub("", str(error)) or type(error).__name__
    return textwrap.shorten(scrub(said), _DETAIL_LIMIT - 1, placeholder=" ...")


def unknown(
    question: Question[Any], actions: Sequence[str], error: BaseException, called: str | None = None
) -> Unknown:
    """The unknown fact that an exception leaves behind.

    ``actions`` are those that the reader declares, ``called`` is the operation that it called last.
    Its account is the one that owns what was asked about: there the read can be granted.
    """
    denied = _DENIED_RESOURCE.search(str(error))
    account, region = question.home
    return Unknown(
        fact=question.fact,
        why=classify(error),
        action=_action(actions, getattr(error, "operation_name", called)),
        resource=denied[1].rstrip(".,;)") if denied else own_id(question),
        account=account,
        region=region,
        detail=detail(error),
    )


def _action(actions: Sequence[str], operation: str | None) -> str | None:
    """The declared action whose call failed; where nothing tells which of several, none is named.

    Assuming a reader role can fail inside any call.
    """
    if operation == "AssumeRole":
        return "sts:AssumeRole"
    named = (action for action in actions if action.endswith(f":{operation}"))
    return next(named, only_one(actions))


def only_one(actions: Sequence[str]) -> str | None:
    """The action of a reader that makes no other call."""
    return actions[0] if len(actions) == 1 else None


def own_id(question: Question[Any]) -> str | None:
    """The id of what the question is about."""
    return next((found for name in _OWN_ID if (found := getattr(question, name, None))), None)

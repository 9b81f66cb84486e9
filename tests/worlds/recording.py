"""Remembers what AWS answered to one diagnosis and answers the next ones from memory, in 0.2 ms a call.

``recording = Recording(aws)``; hand ``recording.session`` to the code under test. The first time a call is made it
goes to the emulated AWS and the answer is kept; the same call again is answered by a ``before-call`` hook.
``recording.faults["ec2:DescribeSubnets"] = "throttled"`` makes an action fail, and ``recording.actions`` has every
action that was asked for. Run once without faults first; the world must not change between the runs.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import ReadTimeoutError

from tests.emulated.actions import refusal
from tests.emulated.aws import ACCOUNT, EmulatedAws
from tests.emulated.front import Kind

_NEXT = "more-is-missing"


class Recording:
    """A boto3 session that asks the emulated AWS each thing once."""

    def __init__(self, aws: EmulatedAws, account: str = ACCOUNT) -> None:
        self.faults: dict[str, Kind] = {}
        self.actions: set[str] = set()
        self._answers: dict[str, tuple[Any, dict[str, Any]]] = {}
        core = botocore.session.Session()
        core.set_config_variable("region", aws.region)
        core.set_credentials(account, "secret")
        core.get_component("config_store").set_config_variable("endpoint_url", aws.url)
        core.register("before-call", self._answer)  # type: ignore[arg-type] # the stubs forget that handlers may name their arguments
        core.register("response-received", self._remember)  # type: ignore[arg-type] # the same
        self.session = boto3.Session(botocore_session=core)

    def _answer(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> Any:
        service, operation = model.service_model.service_name, model.name
        action = f"{service}:{operation}"
        asked = json.dumps([action, context["client_region"], params["url"], params["body"]], default=str)
        self.actions.add(action)
        fault = self.faults.get(action)
        if fault == "second-page-missing" and _NEXT in asked:
            fault = "denied"
        if fault == "timed-out":
            raise ReadTimeoutError(endpoint_url=params["url"])
        if fault in {"denied", "throttled"}:
            status, code = refusal(service, fault)
            return SimpleNamespace(status_code=status), _failure(status, code)
        if asked not in self._answers:
            context["asked"] = asked
            return None
        http, parsed = self._answers[asked][0], copy.deepcopy(self._answers[asked][1])
        if fault == "second-page-missing":
            parsed = parsed | _more(service, operation)
        return http, parsed

    def _remember(self, response_dict: Any, parsed_response: Any, context: dict[str, Any], **_: Any) -> None:
        # Not after the call: botocore has decoded IAM's documents by then, and would decode them again.
        if "asked" in context and response_dict:
            status = SimpleNamespace(status_code=response_dict["status_code"])
            self._answers[context["asked"]] = status, copy.deepcopy(parsed_response)


def paged(action: str) -> bool:
    """Whether the action lists page by page, so that a second page can be missing."""
    return _paginator(*action.split(":")) is not None


@cache
def _paginator(service: str, operation: str) -> dict[str, Any] | None:
    try:
        pages: dict[str, Any] = botocore.session.get_session().get_paginator_model(service).get_paginator(operation)
    except ValueError:
        return None
    return pages


def _more(service: str, operation: str) -> dict[str, Any]:
    """The members of an answer that say that there is another page."""
    pages = _paginator(service, operation)
    if not pages:
        raise ValueError(f"{service}:{operation} does not list page by page")
    token = pages["output_token"]  # a list where a page begins at a name and a type
    return {token if isinstance(token, str) else token[0]: _NEXT} | (
        {pages["more_results"]: True} if "more_results" in pages else {}
    )


def _failure(status: int, code: str) -> dict[str, Any]:
    return {
        "Error": {"Code": code, "Message": f"{code} by order of the test"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "refused", "HTTPHeaders": {}, "RetryAttempts": 0},
    }

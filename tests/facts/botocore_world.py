"""A declared AWS at the botocore layer: canned answers, each held against the service's own model.

Requests are checked by botocore itself. Answers are checked against the output shape, so that no test rests on a
shape that AWS would never send; and a reader that looks for a member which the shape does not have fails at once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import Mock

import boto3
import botocore.loaders
import botocore.session
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

OWN_ACCOUNT = "111122223333"
REGION = "eu-west-1"

_LOADER = botocore.loaders.create_loader(botocore.session.Session().get_config_variable("data_path"))


class AwsError(Exception):
    """An error answer of AWS: code, message, HTTP status."""

    def __init__(self, code: str, message: str = "no", status: int = 400) -> None:
        super().__init__(code)
        self.answer = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r"},
        }
        self.status = status


class _Watched(dict[str, Any]):
    """A structure of an answer; asking for a member that its shape lacks fails, as it would be absent for ever."""

    shape: StructureShape

    def _check(self, member: object) -> None:
        if member not in self.shape.members and member != "ResponseMetadata":
            raise AssertionError(f"{self.shape.name} has no member {member}")

    def __getitem__(self, member: str) -> Any:
        self._check(member)
        return super().__getitem__(member)

    def get(self, member: str, default: Any = None) -> Any:
        self._check(member)
        return super().get(member, default)

    def __contains__(self, member: object) -> bool:
        self._check(member)
        return super().__contains__(member)


def _watched(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        found = _Watched({name: _watched(each, shape.members[name]) for name, each in value.items()})
        found.shape = shape
        return found
    if isinstance(shape, ListShape):
        return [_watched(each, shape.member) for each in value]
    return value


Answer = Mapping[str, Any] | BaseException


class World:
    """``answers`` has, for each operation, the answers to its calls in turn; the last one is given again."""

    def __init__(self, answers: Mapping[str, Sequence[Answer]]) -> None:
        self.answers = {
            "GetCallerIdentity": [{"Account": OWN_ACCOUNT, "UserId": "u", "Arn": f"arn:aws:iam::{OWN_ACCOUNT}:user/u"}],
            **answers,
        }
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self._lock = threading.Lock()

    def session(self) -> boto3.Session:
        session = botocore.session.Session()
        session.register_component("data_loader", _LOADER)
        session.set_credentials("AKIDEXAMPLE", "secret")
        session.register("before-parameter-build", self._record)
        session.register("before-call", self._answer)
        return boto3.Session(botocore_session=session)

    def operations(self) -> list[str]:
        return [operation for _, operation, _ in self.calls]

    def _record(self, **event: Any) -> None:
        model: OperationModel = event["model"]
        with self._lock:
            self.calls.append((str(model.service_model.signing_name), model.name, dict(event["params"])))

    def _answer(self, **event: Any) -> Any:
        model: OperationModel = event["model"]
        with self._lock:
            asked_before = self.operations().count(model.name) - 1
        answers = self.answers[model.name]
        answer = answers[min(asked_before, len(answers) - 1)]
        if isinstance(answer, AwsError):
            return Mock(status_code=answer.status), answer.answer
        if isinstance(answer, BaseException):
            raise answer
        shape = model.output_shape
        assert shape is not None
        problems = ParamValidator().validate(dict(answer), shape)
        assert not problems.has_errors(), problems.generate_report()
        return Mock(status_code=200), _watched(answer, shape)

"""The deployed stack, found by the outputs that CloudFormation keeps of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pull_doctor.console import TOOL_FAILED, Refused, region_of, session
from pull_doctor.facts import errors
from pull_doctor.report.words import plain

if TYPE_CHECKING:
    import boto3

    from pull_doctor.delivery.incidents import Incidents

StackName = Annotated[str, typer.Option("--stack", help="The name of the deployed stack.")]
STACK = "PullDoctor"

_READS = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
# A call of the function takes as long as the function may run, and a second one would send a second time.
_FUNCTION = Config(connect_timeout=5, read_timeout=90, retries={"total_max_attempts": 1})


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack as the caller's credentials see it."""

    name: str
    region: str
    outputs: Mapping[str, str]
    session: boto3.Session

    @classmethod
    def find(cls, name: str, region: str | None, profile: str | None) -> Stack:
        """Read the stack's outputs.

        Raises:
            Refused: there is no such stack there, or it could not be read.
        """
        own = session(profile)
        where = region or region_of(own)
        with said(f"stack {name}"):
            try:
                answer = own.client("cloudformation", region_name=where, config=_READS).describe_stacks(StackName=name)
            except ClientError as error:
                # CloudFormation has no code of its own for a stack that is not there.
                # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
                if errors.error_code(error) == "ValidationError":
                    message = f"there is no stack {plain(name)} in {plain(where)}: say --stack or --region"
                    raise Refused(message) from error
                raise
        outputs = {one["OutputKey"]: one["OutputValue"] for one in answer["Stacks"][0].get("Outputs", [])}
        return cls(name, where, outputs, own)

    def output(self, name: str) -> str:
        """Return an output of the stack; raises ``Refused`` where it has none of that name."""
        if name not in self.outputs:
            raise Refused(
                f"stack {self.name} in {self.region} has no output {name}: no Pull Doctor, or another version"
            )
        return self.outputs[name]

    def client(self, service: str) -> Any:
        """Return the client of a service in the stack's Region."""
        config = _FUNCTION if service == "lambda" else _READS
        return self.session.client(service, region_name=self.region, config=config)  # type: ignore[call-overload] # the stubs want the service as a literal

    @property
    def incidents(self) -> Incidents:
        """The stack's table."""
        from pull_doctor.delivery.incidents import Incidents  # noqa: PLC0415 - slow to import, as boto3 is

        return Incidents(self.client("dynamodb"), self.output("TableName"))


@contextmanager
def said(what: str) -> Iterator[None]:
    """Turn whatever AWS or the way to it refuses into the one line ``what: ...``, and exit code 4."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"{what}: {errors.classify(error)}: {errors.detail(error)}", TOOL_FAILED) from error

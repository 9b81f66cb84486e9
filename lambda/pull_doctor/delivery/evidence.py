"""Keeps what a report rests on: the event, the facts, and the report itself, in a private bucket that forgets.

Each report has a folder of its own, ``incidents/<incident key>/<time>/``, with ``event.json`` (only what may be kept),
``facts.json`` (what ``pull-doctor diagnose --facts`` reads), and ``report.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pull_doctor.facts import store
from pull_doctor.intake.kept import kept_event

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = "incidents/"
"""Everything is kept under it; the function may write nowhere else."""

EVENT, FACTS, REPORT = "event.json", "facts.json", "report.json"


class EvidenceError(Exception):
    """The bucket did not take or give something; the message is one line."""


@dataclass(frozen=True, slots=True)
class EvidenceBucket:
    """The bucket of this deployment."""

    client: S3Client
    bucket: str

    def keep(self, key: str, at: float, event: Mapping[str, Any] | None, facts: str | None, report: str) -> str:
        """Keep a report of the incident ``key``, made at ``at``, with what it rests on; return its folder.

        Raises:
            EvidenceError: not everything could be kept.
        """
        folder = f"{FOLDER}{key}/{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H-%M-%SZ}/"
        texts = {
            EVENT: None if event is None else json.dumps(kept_event(event), indent=1, ensure_ascii=False) + "\n",
            FACTS: facts,
            REPORT: report,
        }
        for name, text in texts.items():
            if text is not None:
                self._call(
                    "put_object", Key=folder + name, Body=text.encode(), ContentType="application/json; charset=utf-8"
                )
        return folder

    def facts(self, folder: str) -> store.Saved:
        """Read the facts of a report.

        Raises:
            EvidenceError: there are none, they cannot be read, or they are of another version.
        """
        try:
            return store.load(self.text(folder + FACTS))
        except store.UnreadableFacts as error:
            raise EvidenceError(f"s3://{self.bucket}/{folder}{FACTS}: {error}") from error

    def text(self, key: str) -> str:
        """Read one object as text.

        Raises:
            EvidenceError: it cannot be read.
        """
        try:
            text: str = self._call("get_object", Key=key)["Body"].read().decode()
        except EvidenceError:
            raise
        except Exception as error:  # the body comes over the network too, and may be anything
            raise EvidenceError(f"s3://{self.bucket}/{key} could not be read: {type(error).__name__}") from error
        return text

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return getattr(self.client, operation)(Bucket=self.bucket, **parameters)
        except Exception as error:  # an answer that is not S3's makes botocore raise anything
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise EvidenceError(f"s3://{self.bucket}/{parameters['Key']}: {code}") from error

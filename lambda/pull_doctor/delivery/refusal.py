"""What a sink of AWS says when it does not confirm: the code of the answer, never its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pull_doctor.delivery.sink import SinkFailed

_CODE = re.compile(r"[\w.-]{1,80}")


@contextmanager
def confirming(service: str) -> Iterator[None]:
    """Turn every way in which a call of ``service`` can fail into a sink that failed.

    Raises:
        SinkFailed: the call was refused, was not answered, or was answered with what botocore cannot read.
    """
    try:
        yield
    except ClientError as error:
        raise SinkFailed(
            f"{service} refused the report: {code(error.response.get('Error', {}).get('Code'))}"
        ) from error
    except BotoCoreError as error:
        raise SinkFailed(f"{service} did not answer: {type(error).__name__}") from error
    except Exception as error:  # on an answer that is not AWS's, botocore raises whatever it stumbles on
        raise SinkFailed(f"{service} answered what cannot be read: {type(error).__name__}") from error


def code(said: Any) -> str:
    """Return AWS's error code, or that there is none, where the text cannot be one."""
    return said if isinstance(said, str) and _CODE.fullmatch(said) else "no code"

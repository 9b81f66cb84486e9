"""What a task definition names in Secrets Manager and Systems Manager.

The forms of ``valueFrom``: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
and https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html
The credentials for a registry: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pull_doctor.resource import Place

_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class ValueFrom:
    """Where a value comes from: ``arn`` of the secret or parameter, in ``place``.

    ``names`` are what its store may know it by: an ARN does not tell whether a parameter's name begins with a slash.
    """

    kind: Literal["secret", "parameter"]
    arn: str
    place: Place
    names: tuple[str, ...]


def parse_value_from(text: str, home: Place) -> ValueFrom | None:
    """Say what a ``valueFrom`` names; ``home`` is where the task runs. Another service's ARN is ``None``.

    A JSON key, a version, and a label are left off: they name a part of the secret or parameter.
    """
    parts = text.split(":", _ARN_PARTS)
    if parts[0] != "arn":
        name = text.partition(":")[0]
        arn = f"arn:{home.partition}:ssm:{home.region}:{home.account}:parameter/{name.removeprefix('/')}"
        return ValueFrom("parameter", arn, home, (name,)) if name else None
    if len(parts) < _ARN_PARTS:
        return None
    place = Place(parts[1], parts[4], parts[3])
    if parts[2] == "secretsmanager" and parts[5] == "secret" and len(parts) > _ARN_PARTS:
        arn = ":".join([*parts[:_ARN_PARTS], parts[6].partition(":")[0]])
        return ValueFrom("secret", arn, place, (arn,))
    if parts[2] == "ssm" and parts[5].startswith("parameter/"):
        name = parts[5].removeprefix("parameter/")
        arn = ":".join(parts[:_ARN_PARTS])
        return ValueFrom("parameter", arn, place, (f"/{name}",) if "/" in name else (name, f"/{name}"))
    return None


def parse_credentials(text: str, home: Place) -> ValueFrom | None:
    """Say which secret a ``credentialsParameter`` names: by its ARN, or in the task's own Region by its name."""
    if text.startswith("arn:"):
        return parse_value_from(text, home)
    arn = f"arn:{home.partition}:secretsmanager:{home.region}:{home.account}:secret:{text}"
    return ValueFrom("secret", arn, home, (text,)) if text else None

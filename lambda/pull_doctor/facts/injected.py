"""What a task definition injects from Secrets Manager and Systems Manager, and what is known of each.

The forms of ``valueFrom``: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
and https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pull_doctor.facts.fact import Fact
from pull_doctor.facts.values import Parameter, Secret, Simulated
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


@dataclass(frozen=True, slots=True)
class Injected:
    """One value with what was read of it; ``found`` is ``Known(None)`` where there is no such thing.

    ``rights`` are what the execution role's policies decide on reading it, ``key_rights`` on using its customer key,
    ``None`` where AWS's own key encrypts it. ``policy`` is a secret's resource policy.
    """

    source: ValueFrom
    found: Fact[Secret | Parameter | None]
    rights: Fact[tuple[Simulated, ...] | None]
    policy: Fact[str | None]
    key_rights: Fact[tuple[Simulated, ...] | None] | None = None


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

"""What is asked: an action on a resource, by somebody, and what is known of the request besides.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class Caller:
    """A session of the role ``arn``, with the role's unique ``id`` and the ``session`` name; ``None``: not known.

    ``bounded``: whether the role has a permissions boundary, which a Deny with NotPrincipal depends on.
    """

    arn: str
    id: str | None = None
    session: str | None = None
    bounded: bool | None = None

    @property
    def account(self) -> str:
        """The account of the role."""
        return account_of(self.arn) or ""


@dataclass(frozen=True, slots=True)
class Outside:
    """An identity, account, or owner that belongs neither to ``account`` nor to its organization."""

    account: str


Values = tuple[str, ...] | Outside
"""The values of a condition key; none: the key is known not to be in the request."""

OF_A_PULL: Mapping[str, Values] = {
    "aws:securetransport": ("true",),
    "aws:viaawsservice": ("false",),
    "aws:calledvia": (),
    "aws:sourcearn": (),
    "aws:sourceaccount": (),
}
"""What every request of a pull to ECR carries: a role's session makes it, over TLS, by itself.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; ``principal`` ``None``: anybody.

    ``resource`` may end in ``/*``: some object below. ``context`` holds the condition keys, in lower case, whose values
    are known, besides those that follow from the principal. A key that it lacks is unknown.
    """

    action: str
    resource: str
    principal: Caller | Outside | None = None
    context: Mapping[str, Values] = field(default_factory=dict)

    @property
    def values(self) -> Mapping[str, Values]:
        """Every condition key whose values are known."""
        return _of(self.principal) | dict(self.context)


def account_of(name: str) -> str | None:
    """Return the account of an ARN or the account id itself, ``None`` for what is neither."""
    parts = name.split(":", _ARN_PARTS - 1)
    if len(parts) == _ARN_PARTS:
        return parts[4]
    return name if name.isdigit() else None


def _of(who: Caller | Outside | None) -> dict[str, Values]:
    if isinstance(who, Outside):
        return dict.fromkeys(("aws:principalarn", "aws:principalaccount", "aws:principalorgid"), who)
    if who is None:
        return {}
    known: dict[str, Values] = {
        "aws:principalarn": (who.arn,),
        "aws:principalaccount": (who.account,),
        "aws:principaltype": ("AssumedRole",),
        "aws:principalisawsservice": ("false",),
        "aws:principalservicename": (),
        "aws:principalservicenameslist": (),
        "aws:username": (),
    }
    return known | ({"aws:userid": (f"{who.id}:{who.session}",)} if who.id and who.session else {})

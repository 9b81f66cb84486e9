"""KMS keys that decrypt nothing, and what makes them usable again."""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Fix
from pull_doctor.facts.values import Key

UNUSABLE = {
    "Disabled": "is disabled",
    "PendingDeletion": "is to be deleted",
    "PendingReplicaDeletion": "is to be deleted, once its replicas are",
    "PendingImport": "has no key material",
    "Unavailable": "is cut off from its key store",
}
"""The states in which KMS refuses to decrypt, as sentences tell them.
https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
_EFFECT = "everything else that is encrypted with this key can be read again, too"


def usable_again(key: Key) -> Fix:
    """What ends the state of a key that is unusable, in the account that owns it."""
    region, account = key.arn.split(":")[3:5]
    enable = AwsCommand("kms", "EnableKey", {"KeyId": key.arn})
    if key.state == "Disabled":
        return Fix("enable the key", "your-call", account, region, (enable,), effect=_EFFECT)
    if key.state in ("PendingDeletion", "PendingReplicaDeletion"):
        commands = (AwsCommand("kms", "CancelKeyDeletion", {"KeyId": key.arn}), enable)
        return Fix("cancel the key's deletion, and enable it", "your-call", account, region, commands, effect=_EFFECT)
    if key.state == "PendingImport":
        text = f"import the key material of {key.arn} anew: the same that it had"
    else:
        text = f"connect the key store of {key.arn} again, or start its key manager"
    return Fix(text, "your-call", account, region)

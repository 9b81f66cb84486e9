"""The fixes for a secret or parameter that cannot be read, each in the account where it is done."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pull_doctor.causes.outcome import AwsCommand, Fix
from pull_doctor.causes.shared.rights.amended import with_statement, without_denials
from pull_doctor.causes.shared.rights.refusals import Refused
from pull_doctor.causes.shared.rights.roles import name_of, policy_text
from pull_doctor.causes.shared.secrets.keys import UNUSABLE, usable_again
from pull_doctor.causes.shared.secrets.stored import Defect, What
from pull_doctor.facts.fact import Known
from pull_doctor.intake.task import Task
from pull_doctor.policy.rulings import Need
from pull_doctor.policy.stored import Decryption

PROSE: dict[What, str] = {
    "gone": "name one that exists in the task definition, in the place of {}",
    "deleted": "restore {}, or name another in the task definition",
    "denied": "let the execution role read {}, and look at that secret's own policy",
    "key": "look at the key of {}: whether it is enabled, and its policy and the role's allow kms:Decrypt",
    "part": "name a JSON key and a version in the task definition that {} has",
}
"""What to do where only ECS's text tells."""
_REPLACES = "it replaces the whole policy, and keeps its other statements"


def fixes(task: Task, defects: Sequence[Defect]) -> tuple[Fix, ...]:
    """The fixes of the first defect; a policy for the role holds whatever it lacks."""
    first, place = defects[0], defects[0].one.source.place
    other = Fix(PROSE["gone"].format(first.one.arn), "your-call", task.place.account, task.place.region)
    if first.what == "deleted":
        restore = AwsCommand("secretsmanager", "RestoreSecret", {"SecretId": first.one.arn})
        text = "restore the secret, if it is still the one to use"
        return Fix(text, "your-call", place.account, place.region, (restore,)), other
    if first.what == "gone" and first.one.source.kind == "parameter":
        values = {"Name": first.one.source.names[0], "Type": "SecureString", "Value": "<value>"}
        put = AwsCommand("ssm", "PutParameter", values)
        return Fix("put the parameter again", "fill-in", place.account, place.region, (put,)), other
    if first.what == "gone":
        return (other,)
    if first.refused is None:
        return (_of_the_key(first),)
    if first.refused.layer == "resource-policy":
        return (_without_deny(first.refused) if first.refused.explicit else _granted(first.refused, defects),)
    return (_of_the_role(task, first.refused, defects),)


def _of_the_role(task: Task, refused: Refused, defects: Sequence[Defect]) -> Fix:
    """One policy of the role's own with every right that it lacks; what denies one is taken out by hand."""
    name, place = name_of(refused.ruling.role), task.place
    lacking = [
        one.refused.ruling.need
        for one in defects
        if one.refused and one.refused.layer == "identity-policy" and not one.refused.explicit
    ]
    if refused.ruling.need not in lacking:
        verdict = refused.verdict
        read = verdict.read if verdict else f"the policies of {refused.ruling.role}"
        text = f"let {read} allow {refused.action} on {refused.ruling.need.resource}"
        if refused.explicit:
            by = f" ({verdict.decision.statement})" if verdict and verdict.decision.statement else ""
            text = f"take out of {read} what denies {refused.action} on {refused.ruling.need.resource}{by}"
        return Fix(text, "your-call", place.account, place.region)
    statements = [{"Effect": "Allow", "Action": one.action, "Resource": one.resource} for one in lacking]
    # PutRolePolicy replaces a policy of the same name, so that each set of values has its own.
    digest = hashlib.sha256("".join(one.resource for one in lacking).encode()).hexdigest()[:8]
    document = {"RoleName": name, "PolicyName": f"read-secrets-{digest}", "PolicyDocument": policy_text(statements)}
    text = f"let {name} call {' and '.join(dict.fromkeys(one.action for one in lacking))} on what it has to read"
    return Fix(text, "exact", place.account, place.region, (AwsCommand("iam", "PutRolePolicy", document),))


def _without_deny(refused: Refused) -> Fix:
    """The whole policy without what denies it; of a key nothing is left to set where that was all."""
    need, verdict = refused.ruling.need, refused.verdict
    assert verdict is not None
    assert verdict.document is not None
    document, taken_out = without_denials(verdict.document, [verdict.request] if verdict.request else [])
    text = f"take {' and '.join(taken_out)} out of {verdict.read}, or let it spare {refused.ruling.role}"
    command = put(need, document)
    region, account = need.resource.split(":")[3:5]
    return Fix(text, "your-call", account, region, (command,) if command else (), effect=_REPLACES)


def _granted(first: Refused, defects: Sequence[Defect]) -> Fix:
    """The whole policies of the value and of its key, with the grants that they lack, in the account that owns them."""
    role, (region, account) = first.ruling.role, first.ruling.need.resource.split(":")[3:5]
    lacking = {
        one.refused.ruling.need.resource: one.refused
        for one in reversed(defects)
        if one.refused and one.refused.layer == "resource-policy" and not one.refused.explicit
    }
    commands, actions, effect = [], [], None
    for resource, refused in reversed(lacking.items()):
        need, document = refused.ruling.need, refused.verdict.document if refused.verdict else None
        grant = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": need.action, "Resource": "*"}
        command = put(need, with_statement(document, grant))
        if command and resource.split(":")[3:5] == [region, account]:
            commands.append(command)
            actions.append(f"{need.action} on {resource}")
            effect = _REPLACES if document else effect
    text = f"let account {account}'s policies grant {role} {' and '.join(actions)}"
    return Fix(text, "exact", account, region, tuple(commands), effect=effect)


def put(need: Need, document: str | None) -> AwsCommand | None:
    """The call that sets the policy; a key cannot be without one."""
    if isinstance(need, Decryption):
        values = {"KeyId": need.resource, "PolicyName": "default", "Policy": document}
        return AwsCommand("kms", "PutKeyPolicy", values) if document else None
    if document is None:
        return AwsCommand("secretsmanager", "DeleteResourcePolicy", {"SecretId": need.resource})
    values = {"SecretId": need.resource, "ResourcePolicy": document}
    return AwsCommand("secretsmanager", "PutResourcePolicy", values)


def _of_the_key(defect: Defect) -> Fix:
    """What makes the value readable again where its key decrypts nothing."""
    place, arn = defect.one.source.place, defect.one.arn
    key = defect.one.key.value if defect.one.key and isinstance(defect.one.key, Known) else None
    if key and key.state in UNUSABLE:
        return usable_again(key)
    text = f"encrypt {arn} with a key of account {place.account} whose policy admits the execution role"
    if defect.one.source.kind == "parameter":
        return Fix(text, "your-call", place.account, place.region)
    update = AwsCommand("secretsmanager", "UpdateSecret", {"SecretId": arn, "KmsKeyId": "<arn-of-a-customer-key>"})
    return Fix(text, "fill-in", place.account, place.region, (update,))

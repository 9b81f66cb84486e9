"""Policies amended so that a pull passes, and the commands that put them in the place of the old ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.causes.shared.rights.refusals import Refused
from pull_doctor.causes.shared.rights.roles import name_of, policy_text
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.policy.document import Statement, statements_of
from pull_doctor.policy.document import name_of as statement_name
from pull_doctor.policy.evaluate import evaluate
from pull_doctor.policy.request import Request


def without_denials(document: str, requests: Sequence[Request]) -> tuple[str | None, tuple[str, ...]]:
    """The policy without the statements that deny these requests, which are named; ``None`` if none is left."""
    statements = list(statements_of(document))
    names = [statement_name(statements, number + 1) for number in range(len(statements))]
    taken_out: list[str] = []
    while statements:
        written = _written(document, statements)
        denial = next((one for one in (evaluate(written, each) for each in requests) if one.effect == "deny"), None)
        if denial is None:
            return without_the_deleted(written), tuple(taken_out)
        del statements[denial.number - 1]
        taken_out.append(names.pop(denial.number - 1))
    return None, tuple(taken_out)


def with_statement(document: str | None, statement: Mapping[str, Any]) -> str:
    """The policy with one statement more."""
    kept = without_the_deleted(document) if document else None
    return _written(kept, [*statements_of(kept), statement]) if kept else policy_text([dict(statement)])


def deleted_in(document: str) -> tuple[str, ...]:
    """The ids of deleted identities that the policy of a resource names, in the place of what they were.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    return tuple(dict.fromkeys(one for statement in statements_of(document) for one in _named(statement) if _gone(one)))


def without_the_deleted(document: str) -> str | None:
    """The policy without the ids of deleted identities, which AWS takes in no policy that is set; ``None`` if empty."""
    kept = []
    for statement in statements_of(document):
        left = [one for one in _named(statement) if not _gone(one)]
        if len(left) == len(_named(statement)):
            kept.append(statement)
        elif left:
            kept.append({**statement, "Principal": {**statement["Principal"], "AWS": left}})
        elif others := {kind: who for kind, who in statement["Principal"].items() if kind != "AWS"}:
            kept.append({**statement, "Principal": others})
    return _written(document, kept) if kept else None


def with_source(document: str, requests: Sequence[Request], found: Mapping[str, Sequence[str]]) -> str | None:
    """The policy whose conditions on the way admit what was found, key by key; ``None`` where that does not do.

    What the conditions admit stays admitted: the VPCs or endpoints are added to their values.
    """
    denied = [evaluate(document, one).effect == "deny" for one in requests]

    def passes(written: str) -> bool:
        """Whether it allows what it did not allow, and denies no more what it denied."""
        effects = [evaluate(written, one).effect for one in requests]
        return all(effect == "allow" or (was and effect == "no") for effect, was in zip(effects, denied, strict=True))

    statements = list(statements_of(document))
    for number, statement in enumerate(statements):
        before = _written(document, statements)
        if passes(before):
            return before
        trial = [*statements[:number], _admitting(statement, found), *statements[number + 1 :]]
        after = _written(document, trial)
        if any(evaluate(before, one) != evaluate(after, one) for one in requests):
            statements = trial
    amended = _written(document, statements)
    return amended if passes(amended) else None


def granting(role: str, actions: Sequence[str]) -> dict[str, Any]:
    """The statement of a repository's policy that grants these actions to a role; such a policy names no resource."""
    listed = list(actions)
    return {"Effect": "Allow", "Principal": {"AWS": role}, "Action": listed if len(listed) > 1 else listed[0]}


def put(one: Refused, image: ImageReference, document: str | None) -> AwsCommand | None:
    """The call that puts the document in the place of the policy that refuses; nothing for a managed policy.

    ``None`` as document takes the policy of a repository or registry away.
    """
    assert image.ecr is not None
    if one.layer == "resource-policy":
        where = {"registryId": image.ecr.account, "repositoryName": repository_of(image).id}
        if document is None:
            return AwsCommand("ecr", "DeleteRepositoryPolicy", where)
        return AwsCommand("ecr", "SetRepositoryPolicy", where | {"policyText": document})
    if one.layer == "registry-policy":
        if document is None:
            return AwsCommand("ecr", "DeleteRegistryPolicy", {})
        return AwsCommand("ecr", "PutRegistryPolicy", {"policyText": document})
    policy = one.verdict.policy if one.verdict else None
    if policy is None or policy.startswith("arn:") or document is None:
        return None
    role = name_of(one.ruling.role)
    return AwsCommand("iam", "PutRolePolicy", {"RoleName": role, "PolicyName": policy, "PolicyDocument": document})


def source_values(document: str, keys: Sequence[str]) -> tuple[str, ...]:
    """What the policy's conditions name for these keys."""
    found = []
    for statement in statements_of(document):
        for block in _blocks(statement):
            for key, value in block.items():
                if key.lower() in keys:
                    found += _listed(value)
    return tuple(dict.fromkeys(str(one) for one in found))


def _admitting(statement: Statement, found: Mapping[str, Sequence[str]]) -> Statement:
    """The statement whose comparisons of these keys know what was found besides."""

    def admitting(operator: str, block: Any) -> Any:
        if "String" not in operator or not isinstance(block, Mapping):
            return block
        return {
            key: [*_listed(value), *found[key.lower()]] if key.lower() in found else value
            for key, value in block.items()
        }

    condition = statement.get("Condition")
    if not isinstance(condition, Mapping):
        return statement
    return {**statement, "Condition": {operator: admitting(operator, block) for operator, block in condition.items()}}


def _named(statement: Statement) -> list[Any]:
    """The identities of AWS that a statement is about."""
    principal = statement.get("Principal")
    return _listed(principal["AWS"]) if isinstance(principal, Mapping) and "AWS" in principal else []


def _gone(principal: Any) -> bool:
    return str(principal).startswith(("AROA", "AIDA"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _blocks(statement: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    condition = statement.get("Condition")
    blocks = condition.values() if isinstance(condition, Mapping) else ()
    return [one for one in blocks if isinstance(one, Mapping)]


def _written(document: str, statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(json.loads(document) | {"Statement": list(statements)}, separators=(",", ":"))

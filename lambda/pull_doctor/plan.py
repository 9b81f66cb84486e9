"""What to ask next: the facts that the catalogue's checks name, as far as their questions can be put."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pull_doctor.causes.runner import fact_names
from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.questions import Question
from pull_doctor.intake.task import Failure, Task
from pull_doctor.view import View

_WORKLOAD = (ask.OneTaskDefinition,)
_SERVICE = (ask.OneService,)
_DEPLOYMENT = (*_SERVICE, ask.StartedWith)
_INSTANCE = (ask.OneContainerInstance, ask.OneInstance)
_ROLE = (*_WORKLOAD, *_INSTANCE, ask.OneInstanceProfile)
_SUBNET = (ask.OneSubnet, ask.Subnets, *_INSTANCE)
_PULLER = (*_SUBNET, ask.OneInterface, *_DEPLOYMENT, *_ROLE)
_VPC = (*_PULLER, *ask.OF_A_VPC, ask.PrefixListEntries, ask.ResolverRules, ask.DnsFirewallOf)
_RULED = (
    ask.OneRole,
    ask.Simulation,
    ask.PoliciesOfRole,
    ask.RepositoryPolicy,
    ask.RegistryPolicyOf,
    ask.RepositoryTags,
    ask.Organization,
)
_STORED = (
    # The execution role alone reads what is stored, never the instance's.
    *(one for one in _VPC if one is not ask.OneInstanceProfile),
    ask.OneSecret,
    ask.SecretPolicy,
    ask.OneKey,
    ask.KeyPolicy,
    ask.OneRole,
    ask.Simulation,
    ask.PoliciesOfRole,
    ask.Organization,
)
_CACHE = (ask.EcrImageOf, ask.CacheRulesOf)
_PINNED = (*_WORKLOAD, ask.EcrImageOf, ask.StartedWith)

QUESTIONS: dict[str, tuple[type[Question[Any]], ...]] = {
    "task_definition": _WORKLOAD,
    "container": _WORKLOAD,
    "container_instance": (ask.OneContainerInstance,),
    "instance": _INSTANCE,
    "instance_role": (*_INSTANCE, ask.OneInstanceProfile),
    "execution_role": _WORKLOAD,
    "role": _ROLE,
    "pulling_instance": (*_WORKLOAD, *_INSTANCE),
    "pulling_profile": _ROLE,
    "service": _SERVICE,
    "deployment": _DEPLOYMENT,
    "siblings": (ask.RunningTasks, ask.Siblings),
    "subnet": _SUBNET,
    "interface": (ask.OneInterface,),
    "puller": _PULLER,
    "vpc": _VPC,
    "traces": _VPC,
    "store_traces": _VPC,
    "ecr_image": (ask.EcrImageOf,),
    "ecr_tags": (ask.EcrImageOf, ask.EcrTagsOf),
    "ecr_repositories": (ask.EcrImageOf, ask.EcrRepositories),
    "pinned_image": _PINNED,
    "ecr_pinned": _PINNED,
    "ecr_tag": _PINNED,
    "manifest": (*_CACHE, ask.EcrManifestOf, ask.RegistryManifest),
    "image_sizes": (*_WORKLOAD, ask.EcrImageOf),
    "lifecycle_rules": (*_PINNED, ask.LifecycleRulesOf),
    "arriving": (*_WORKLOAD, ask.EcrImageOf, ask.ReplicationRulesOf, ask.ReplicationOf),
    "ecr_repository": (ask.RepositoryDetails,),
    "ecr_key": (ask.RepositoryDetails, ask.OneKey),
    "cache_rules": _CACHE,
    "cache_rule": _CACHE,
    "cache_state": (*_CACHE, ask.CacheRuleWorks),
    "cache_secret": (*_CACHE, ask.OneSecret),
    "upstream_image": (*_CACHE, ask.RegistryImage),
    "upstream_way": (*_VPC, *_CACHE),
    "own_ecr_image": (ask.EcrImageOf,),
    "registry_image": (ask.RegistryImage,),
    "role_details": (*_ROLE, ask.OneRole),
    "task_role": _WORKLOAD,
    "task_role_details": (*_WORKLOAD, ask.OneRole),
    "organization": (ask.Organization,),
    "injected": (*_STORED, ask.OneParameter),
    "logins": _STORED,
    "sign_in_rights": (*_ROLE, ask.Simulation),
    "pull_rights": (*_ROLE, ask.Simulation),
    "repository_policy": (*_ROLE, ask.Simulation, ask.RepositoryPolicy),
    "registry_rules": (*_ROLE, ask.Simulation, ask.RegistryPolicyOf),
    "role_policies": (*_ROLE, ask.Simulation, ask.PoliciesOfRole),
    "rulings": (*_VPC, *_RULED),
    "cache_rulings": (*_VPC, *_RULED, *_CACHE),
}
"""The kinds of questions behind each fact of a view, from which a cause's permissions follow."""

RANKING_FACTS = ("siblings", "service", "container")
"""What ranking and report need besides the checks: counter-evidence, ``still``, and which container is essential."""


def plan(task: Task, failures: Sequence[Failure], answers: Answers) -> tuple[Question[Any], ...]:
    """The questions without an answer yet that can be put now; empty once nothing is left to ask."""
    wanted: dict[Question[Any], None] = {}
    for failure in failures:
        view = View(task, failure, answers)
        for name in (*fact_names(), *RANKING_FACTS):
            view.fact(name)
        wanted |= view.open_questions
    return tuple(wanted)


def questions_of(fact: str) -> tuple[type[Question[Any]], ...]:
    """The kinds of questions behind a fact, whatever the workload; nothing for a fact that needs no read."""
    return QUESTIONS.get(fact, ())

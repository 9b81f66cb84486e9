"""What AWS decides on each right that the pull needs: the role's policies, the repository's, and the registry's.

IAM's simulation decides on the role's own policies. Where it is refused, or hangs on what the request carries, the
policies themselves are read and judged with what is known of the request: its way from the traces, the role's tags,
the organization.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import NamedPolicy, RolePolicies, Simulated
from pull_doctor.intake.symptom import Phase
from pull_doctor.network.flows import starts_outside_vpc
from pull_doctor.network.trace import Trace
from pull_doctor.policy.request import OF_A_PULL, Caller, Request, Values
from pull_doctor.policy.rulings import Layer, Need, Ruling, Verdict, judge, together, unread
from pull_doctor.policy.simulated import layers_of, settles
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS, Rights
from pull_doctor.view.stores import Stores

_PHASES: dict[str, Phase] = {
    "ecr:GetAuthorizationToken": "sign-in",
    "ecr:BatchGetImage": "resolve",
    "ecr:GetDownloadUrlForLayer": "download",
}
_TAG = re.compile(r"(aws:principaltag|aws:resourcetag|ecr:resourcetag)/([^\"$}{,']+)", re.IGNORECASE)
PAST_ENDPOINTS: dict[str, Values] = dict.fromkeys(("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"), ())


class Access(Stores, Rights):
    """What is decided on the rights behind the pull, layer by layer."""

    @cached_property
    def rulings(self) -> Fact[tuple[Ruling, ...]]:
        """The rights that a pull from ECR needs, in its order, each with what every layer decides on it."""
        role, arn = self.role, self.repository_arn
        if arn is None:
            return Unknown("the role's rights in ECR", "prerequisite", detail="the image is not in ECR")
        # The owner's policies are asked for also where the role is not known yet.
        policies = self._policies_of_the_owner(arn)
        if isinstance(role, Unknown):
            return role
        if role.value is None:
            return Unknown("the pulling role", "prerequisite", detail="the task definition names none")
        rights = dict.fromkeys(SIGN_IN_ACTIONS, self.sign_in_rights) | dict.fromkeys(PULL_ACTIONS, self.pull_rights)
        if Known(None) in rights.values():
            detail = f"IAM knows no role {role.value}"
            return Unknown(f"what {role.value} may do", "prerequisite", resource=role.value, detail=detail)
        owner = arn.split(":")[4]
        rulings = []
        for action, simulated in rights.items():
            # The token is the caller's own, whichever registries it may serve for.
            what = ("*", self.place.account) if action in SIGN_IN_ACTIONS else (arn, owner)
            need = Need(action, what[0], _PHASES[action], what[1])
            verdicts = self._of_the_role(need, role.value, simulated, self.role_policies)
            if need.resource != "*":
                verdicts += self._of_the_owner(need, role.value, policies)
            rulings.append(Ruling(need, role.value, verdicts))
        return Known(tuple(rulings))

    def _of_the_role(
        self,
        need: Need,
        role: str,
        rights: Fact[tuple[Simulated, ...] | None],
        policies: Fact[RolePolicies | None],
    ) -> tuple[Verdict, ...]:
        """What the role's own policies, its boundary, and as far as IAM tells the organization decide."""
        details = self.role_details.value if isinstance(self.role_details, Known) else None
        boundary = f"the permissions boundary {details.boundary if details else ''}".rstrip() + f" of {role}"
        known = rights.value or () if isinstance(rights, Known) else ()
        found = next((one for one in known if one.action == need.action), None)
        foreign = need.owner != self.place.account
        simulated = layers_of(found, role, boundary, foreign=foreign) if found else ()
        if found and settles(found, foreign=foreign):
            return simulated
        if isinstance(policies, Known) and policies.value:
            judged = self._as_written(need, role, policies.value)
        else:
            unseen = Unknown(f"whether {role} may call {need.action}", "not-visible", resource=role)
            why = next((one for one in (rights, policies) if isinstance(one, Unknown)), unseen)
            nothing_read = (
                unread("identity-policy", f"the policies of {role}", why),
                unread("permissions-boundary", boundary, why),
            )
            judged = simulated or nothing_read
            if details and details.boundary is None:
                judged = tuple(one for one in judged if (one.layer, one.effect) != ("permissions-boundary", "unknown"))
        by_layer = {one.layer: one for one in judged}
        # What the simulation settles stands, whatever the documents leave open; that a limit denies they alone tell.
        settled = [one for one in simulated if one.effect != "unknown"]
        denied = {one.layer for one in judged if one.effect == "deny"}
        return tuple((by_layer | {one.layer: one for one in settled if one.layer not in denied}).values())

    def _as_written(self, need: Need, role: str, policies: RolePolicies) -> tuple[Verdict, ...]:
        def judged(layer: Layer, read: str, one: NamedPolicy) -> Verdict:
            return judge(layer, read, one.document, self._request(need, role, one.document), one.name)

        own = [judged("identity-policy", f"policy {one.name} of {role}", one) for one in policies.identity]
        verdict = together(own, f"the policies of {role}")
        if policies.boundary is None:
            return (verdict,)
        limit = f"the permissions boundary {policies.boundary.name} of {role}"
        return verdict, judged("permissions-boundary", limit, policies.boundary)

    @cached_property
    def role_policies(self) -> Fact[RolePolicies | None]:
        """The role's own policies as they are written, read only where IAM's simulation leaves something open."""
        role, rights = self.role, (self.sign_in_rights, self.pull_rights)
        if isinstance(role, Unknown):
            return role
        if role.value is None or self.repository_arn is None:
            return Unknown("the policies of the pulling role", "prerequisite", detail="no role pulls from ECR")
        return self._policies_beyond(role.value, rights, self.repository_arn.split(":")[4])

    def _policies_beyond(
        self, role: str, rights: Sequence[Fact[tuple[Simulated, ...] | None]], owner: str
    ) -> Fact[RolePolicies | None]:
        """The role's own policies as they are written, read only where these simulations leave something open.

        ``owner`` is the account of the resource that they are about.
        """
        if foreign := self._foreign(role):
            return foreign
        if any(isinstance(one, ask.Simulation) and one.role == role for one in self.open_questions):
            return Unknown(f"the policies of {role}", "prerequisite", detail="IAM's simulation comes first")
        if off := next((one for one in rights if isinstance(one, Unknown) and one.why == "switched-off"), None):
            # Who does not want the role's policies simulated does not want them read either.
            return off
        known = [one.value or () for one in rights if isinstance(one, Known)]
        across = owner != self.place.account
        if len(known) == len(rights) and all(settles(one, foreign=across) for each in known for one in each):
            return Unknown(f"the policies of {role}", "prerequisite", detail="IAM's simulation settled it")
        return self.ask(ask.PoliciesOfRole(self.place.account, self.place.region, role))

    def _policies_of_the_owner(self, arn: str) -> tuple[tuple[Layer, str, Fact[str | None]], ...]:
        """The policies of the image's repository and of its registry, ``None`` for one that is not there."""
        owner, repository = arn.split(":")[4], arn.partition(":repository/")[2]
        of_another = f" of account {owner}" if owner != self.place.account else ""
        rules = self.registry_rules
        # Of the first version, a registry's policy is about replication and the pull-through cache alone.
        of_registry = (
            rules if isinstance(rules, Unknown) else Known(rules.value.policy if rules.value.scope == "V2" else None)
        )
        return (
            ("resource-policy", f"the policy of repository {repository}{of_another}", self.repository_policy),
            ("registry-policy", f"the policy of registry {owner}", of_registry),
        )

    def _of_the_owner(
        self, need: Need, role: str, policies: tuple[tuple[Layer, str, Fact[str | None]], ...]
    ) -> tuple[Verdict, ...]:
        verdicts = []
        for layer, read, policy in policies:
            if isinstance(policy, Unknown):
                verdicts.append(unread(layer, read, policy))
            elif policy.value is not None:
                verdicts.append(judge(layer, read, policy.value, self._request(need, role, policy.value)))
        return tuple(verdicts)

    def _request(self, need: Need, role: str, document: str) -> Request:
        """The request as far as it is known; of the tags, those that the document speaks of."""
        details = self.role_details.value if isinstance(self.role_details, Known) else None
        caller = Caller(
            role,
            details.id if details else None,
            self._session_of(role),
            details.boundary is not None if details else None,
        )
        context = {**OF_A_PULL, "aws:resourceaccount": (need.owner,)} | self._carried(need, document)
        if isinstance(self.organization, Known):
            own = (self.organization.value,) if self.organization.value else ()
            context["aws:principalorgid"] = own
            if need.owner == self.place.account:
                context["aws:resourceorgid"] = own
        context |= _tags("aws:principaltag", document, details.tags if details else None)
        return Request(need.action, need.resource, caller, context)

    def _carried(self, need: Need, document: str) -> dict[str, Values]:
        """What a request to ECR carries besides: the keys of its way, the Region, and the repository's tags."""
        carried = self._of_the_way(need.phase)
        if isinstance(self.image, Known) and self.image.value.ecr:
            carried["aws:requestedregion"] = (self.image.value.ecr.region,)
        return carried | self._resource_tags(need, document)

    def _session_of(self, role: str) -> str | None:
        """The name of the role's session, where ECS's text tells it."""
        _, partition, _, _, account, path = role.split(":")
        sessions = f"arn:{partition}:sts::{account}:assumed-role/{path.rsplit('/', 1)[-1]}/"
        principal = self.symptom.principal or ""
        return principal.removeprefix(sessions) if principal.startswith(sessions) else None

    def _resource_tags(self, need: Need, document: str) -> dict[str, Values]:
        """The repository's tags that the document speaks of, asked for only where it does."""
        kinds = [kind for kind in ("aws:resourcetag", "ecr:resourcetag") if _spoken_of(kind, document)]
        if not kinds or need.resource == "*" or not isinstance(self.image, Known) or self.image.value.ecr is None:
            return {}
        registry, repository = self.image.value.ecr, self.image.value.repository
        tags = self.ask(ask.RepositoryTags(self.place.account, registry.region, registry.account, repository))
        known = tags.value if isinstance(tags, Known) else None
        return {key: value for kind in kinds for key, value in _tags(kind, document, known).items()}

    def _of_the_way(self, phase: Phase) -> dict[str, Values]:
        """The keys that tell the way of a request, as its trace shows it; none where it does not.

        Only a request that comes through an interface endpoint carries the VPC, the endpoint, and the private address.
        Up to platform version 1.3.0 Fargate signs in by an interface of its own, outside the VPC.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        if phase == "sign-in" and starts_outside_vpc(self.task):
            return dict(PAST_ENDPOINTS)
        traces = self.traces.value if isinstance(self.traces, Known) else ()
        # Layers are asked for where the manifest is; only their bytes come from elsewhere.
        trace = next((one for one in traces if one.phase == ("sign-in" if phase == "sign-in" else "resolve")), None)
        return self._along(trace)

    def _along(self, trace: Trace | None) -> dict[str, Values]:
        """The keys of the way that a trace shows; none where it leaves that open."""
        if trace is None or isinstance(self.vpc, Unknown):
            return {}
        if any(hop.verdict in ("fail", "unknown") for hop in trace.hops if hop.step != "endpoint-policy"):
            return {}
        endpoint = next((hop.resource.id for hop in trace.hops if hop.step == "endpoint" and hop.resource), None)
        if endpoint:
            return {"aws:sourcevpce": (endpoint,), "aws:sourcevpc": (self.vpc.value.id,), "aws:sourceip": ()}
        puller = self.puller.value if isinstance(self.puller, Known) else None
        translated = any(hop.step == "nat-gateway" for hop in trace.hops)
        if translated or puller is None or puller.public_ip is None or puller.ipv6 != Known(()):
            return dict(PAST_ENDPOINTS)
        return PAST_ENDPOINTS | {"aws:sourceip": (puller.public_ip,)}


def _spoken_of(kind: str, document: str) -> set[str]:
    """The tags of a kind that a policy names, in lower case: keys of tags know no upper and lower case."""
    return {name.lower() for found, name in _TAG.findall(document) if found.lower() == kind}


def _tags(kind: str, document: str, tags: tuple[tuple[str, str], ...] | None) -> dict[str, Values]:
    """The condition keys of the tags that the document speaks of; none where the tags are not known."""
    if tags is None:
        return {}
    known = {key.lower(): value for key, value in tags}
    return {f"{kind}/{one}": (known[one],) if one in known else () for one in _spoken_of(kind, document)}

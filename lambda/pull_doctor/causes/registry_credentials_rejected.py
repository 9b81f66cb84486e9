"""The registry refuses the login in the secret of repositoryCredentials, or the secret's value is no login.

ECS reads the secret and signs in with it. The registry answers 401 or 403 where the user name or the password is not
the right one, has expired, or belongs to somebody who may not read the image. The value must be JSON with username and
password, else no login comes of it; on EC2 the text may say CannotPullContainerAuthError alone. A secret's value is
never read here, so that this is concluded, not seen.

What mends it: a login that the registry takes, put into the secret in that form.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html
"""

from __future__ import annotations

import re

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.secrets.logins import LEAD, NO_LOGIN, OF_A_RULE, hides_nothing, new_value
from pull_doctor.causes.shared.secrets.stored import either, hold, in_one_line, resource_of
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import RegistryLookup, Secret
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.told import Told
from pull_doctor.network.trace import Trace
from pull_doctor.policy.stored import Stored
from pull_doctor.view.secrets import REFUSED_LOGIN, may_speak_of_a_login

_OF_ITS_FORM = re.compile(
    r"empty secrets? value|unmarshal secret value|invalid schema|AuthorizationData is malformed", re.IGNORECASE
)
"""What ECS says of a value that is no login."""
_WITHOUT_A_REASON = re.compile(r"CannotPullContainerAuthError|private registry credentials", re.IGNORECASE)
"""What ECS says on EC2 where there was no login, whatever the reason."""


def check(
    *,
    message: str,
    symptom: Symptom,
    told: Told,
    image: Fact[ImageReference],
    logins: Fact[tuple[Stored, ...]],
    registry_image: Fact[RegistryLookup],
    store_traces: Fact[tuple[Trace, ...]],
) -> Outcome:
    if not may_speak_of_a_login(symptom, message):
        return Ok(f"ECS's text tells of {symptom.kind}, and not of a login that is refused")
    if told.manifest_read:
        return Ok("ECS's text shows that the registry gave the manifest, and so took the login")
    if isinstance(logins, Unknown):
        return Undetermined((logins,))
    if not logins.value:
        return NotApplicable(NO_LOGIN)
    text = in_one_line(message)
    if _OF_ITS_FORM.search(text):
        return _wrong_form(text, logins.value, said=True)
    if OF_A_RULE.search(text):
        return Ok("ECS's text tells of a rule of the registry on what may be pulled, and not of a login")
    if symptom.kind in REFUSED_LOGIN:
        if isinstance(image, Known) and hides_nothing(image.value, text):
            return Ok(f"{image.value.host} refuses {image.value.repository}, which it would show to everybody")
        return _refused(symptom, image, logins.value[0], registry_image)
    if _WITHOUT_A_REASON.search(text):
        return _left_over(text, logins.value, store_traces)
    return Ok(f"ECS's text tells of {symptom.kind}, and not of a login that is refused")


def _refused(
    symptom: Symptom, image: Fact[ImageReference], login: Stored, registry_image: Fact[RegistryLookup]
) -> Outcome:
    if isinstance(image, Unknown):
        return Undetermined((image,))
    reference, item = image.value, resource_of(login)
    host = symptom.host or reference.host
    shown = [Evidence(f"ECS's text says that {host} refuses repository {reference.repository}", "text", (item,))]
    public = isinstance(registry_image, Known) and registry_image.value.answer == "found"
    if public:
        gives = f"{reference.host} gives repository {reference.repository} to whoever asks without a login"
        shown.append(Evidence(gives, "fact", (item,)))
    inferred = f"{host} refuses the login in {item.id}, whose value is never read"
    inferred += "" if public else ", rather than that it has no such image"
    return Problem(
        title="registry refuses the credentials of the task definition",
        explanation=(
            f"{LEAD} {item.id}, and {host} refused the pull of {reference.repository}. The user name or the password "
            "is not the right one or has expired, or that user may not read the image."
        ),
        culprit=item,
        evidence=tuple(shown),
        fixes=_fixes(login),
        inferred=(inferred,),
        phases=("sign-in", "resolve", "download"),
    )


def _left_over(text: str, logins: tuple[Stored, ...], store_traces: Fact[tuple[Trace, ...]]) -> Outcome:
    """What is left where ECS's text says no more than that there was no login: all else is known to be as it should."""
    held = hold(text, logins, either)
    if held.defects:
        return Ok(f"ECS had no login to try: {held.defects[0].text}")
    if held.said:
        return Ok("ECS's text tells of a secret that it could not read, and not of what it holds")
    if held.unknown:
        return Undetermined(held.unknown)
    if isinstance(store_traces, Unknown):
        return Undetermined((store_traces,))
    closed = next((one for one in store_traces.value if one.disposition != "reached"), None)
    if closed:
        return Undetermined((Unknown(f"whether ECS reached {closed.host}", "not-visible", resource=closed.host),))
    return _wrong_form(text, logins, said=False)


def _wrong_form(text: str, logins: tuple[Stored, ...], *, said: bool) -> Outcome:
    held = hold(text, logins, either)
    login = (held.named or logins)[0]
    item = resource_of(login)
    told = "its value is no login" if said else "it had no login to the registry"
    steps = [] if held.named or len(logins) == 1 else [f"{item.id} is the one that ECS's text means"]
    steps.append(f"the value of {item.id} has not the form of a login: it is never read")
    evidence = [Evidence(f"ECS's text says of {item.id} that {told}", "text", (item,))]
    if not said:
        fine = f"{item.id} is there, and the execution role may read it"
        evidence.append(Evidence(fine, "fact", (item,)))
    return Problem(
        title="value of the secret with the registry's login is no login",
        explanation=(
            f"{LEAD} {item.id}, and no login came of its value. It must be JSON with username and password, both "
            "filled."
        ),
        culprit=item,
        evidence=tuple(evidence),
        fixes=_fixes(login),
        still="unknown",
        text_proves=said,
        inferred=tuple(steps),
        phases=("prepare",),
    )


def _fixes(login: Stored) -> tuple[Fix, ...]:
    """A new value for the secret; none for one that is gone or on its way out by now, and takes no value."""
    if isinstance(login.found, Known):
        found = login.found.value
        if found is None or (isinstance(found, Secret) and found.deleted_at):
            return ()
    return (new_value(login.arn, login.source.place),)

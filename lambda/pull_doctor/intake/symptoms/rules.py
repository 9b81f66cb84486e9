"""The symptom table: which words of an ECS text mean which kind of failure.

Rules stand in groups. Of one group at most one kind speaks for a text, so that the order inside does not matter.
Texts often hold words of several groups: then the group that stands first decides, and each group says why it
stands above those behind it. What a lower layer said (a refused connection, a status) stands above the sentence that
ECS puts before it.

Patterns are searched in text of one line, in lower case, with single spaces and straight apostrophes, in which names
are stars (``symptom_names``). A pattern bounds its gaps, and its alternatives begin with plain characters, so that the
longest text read costs little.
"""

from __future__ import annotations

from pull_doctor.intake.symptoms.answer_rules import (
    ACCESS,
    CACHE,
    LIMITS_AND_LOGINS,
    MISSING,
    OF_LAYERS,
    OF_STORAGE,
    OUTAGES,
    REFUSED,
    RIGHTS,
)
from pull_doctor.intake.symptoms.connection_rules import (
    BEFORE_THE_PULL,
    CONNECTIONS,
    CREDENTIALS,
    KEYS,
    NAMES,
    ON_THE_HOST,
    ON_THE_WAY,
    SECRETS,
)
from pull_doctor.intake.symptoms.image_rules import ENDINGS, FORM, LOGINS, SENTENCES, SPACE, UNPACKING
from pull_doctor.intake.symptoms.rule import Rule

GROUPS: tuple[tuple[Rule, ...], ...] = (
    ON_THE_HOST,
    CREDENTIALS,
    ON_THE_WAY,
    NAMES,
    CONNECTIONS,
    KEYS,
    BEFORE_THE_PULL,
    SECRETS,
    LIMITS_AND_LOGINS,
    CACHE,
    RIGHTS,
    FORM,
    SPACE,
    OF_LAYERS,
    OF_STORAGE,
    OUTAGES,
    ACCESS,
    MISSING,
    REFUSED,
    UNPACKING,
    ENDINGS,
    SENTENCES,
    LOGINS,
)

RULES: tuple[Rule, ...] = tuple(rule for group in GROUPS for rule in group)
"""Rules for texts that speak of a pull, or of what ECS does before one; the first that matches decides."""

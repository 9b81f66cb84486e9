"""One failure's view of the answers: the facts by name, its own image, puller, and role.

Reading a fact asks the questions behind it: those without an answer yet are gathered in ``open_questions``,
which is how the plan of reads comes about. A fact whose question cannot even be put is unknown for the reason
that the fact before it is.
"""

from pull_doctor.view.cache import Cache
from pull_doctor.view.secrets import Secrets


class View(Cache, Secrets):
    """The facts that concern one failure of a task, each ``Known`` or ``Unknown``."""

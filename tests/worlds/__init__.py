"""Emulated AWS accounts, each with one planted defect, built through real API calls.

``build(aws, "s3-endpoint-missing")`` makes a world in a running ``tests.emulated`` AWS; ``WORLDS`` has their names.
A world knows the cause it must be diagnosed with, the resources that are to blame, and the failed task's two events.
``world.mend()`` removes the defect and nothing else: the same event is then the healthy twin's. ``world.relaunch()``
lets the service start its next task, which fails with the same text. ``world.add_sibling()`` starts a task of the
same deployment in the same subnet, after the failure. ``world.saying(text)`` is the event with another text. The
keyword arguments of ``build`` vary the world without moving its defect; ``Options`` lists them.

The service lives on: ``fail_again(100)`` is a storm, ``recover()``, ``deploy()`` and ``roll_back()``,
``scale_to_zero()`` and ``delete_service()`` are what may end it, ``steady_state`` and ``deployment_completed`` what ECS
says then. None of them looks at the defect: ``recover()`` lets a task run whether the defect is mended or not.
"""

from tests.worlds.world import Options, World
from tests.worlds.worlds import WORLDS, build

__all__ = ["WORLDS", "Options", "World", "build"]

"""``python -m benchmarks``: print how long walks in a very large VPC take, and how long a diagnosis waits for AWS.

Exit status: 0 if all goals hold, 1 if not.
"""

from __future__ import annotations

import sys

from benchmarks import size, waves
from tests.emulated.aws import emulated_aws


def main() -> int:
    """Run both benchmarks."""
    walks = size.measure()
    _print(*walks.lines())
    good = walks.slowest < size.GOAL
    with emulated_aws() as aws:
        for world in waves.WORLDS:
            first, later = waves.measure(aws, world)
            _print(first.line, later.line)
            good = good and later.good
    walk, rest = f"{size.GOAL * 1000:.0f} ms", f"half a delay, and {waves.COMPUTED * 1000:.0f} ms"
    _print(f"goals: a walk below {walk}; a later diagnosis below its waves, {rest}: {'met' if good else 'MISSED'}")
    return 0 if good else 1


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

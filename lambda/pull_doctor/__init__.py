"""Names the cause of a failed container image pull in Amazon ECS, and proves it."""

__version__ = "0.1.0"

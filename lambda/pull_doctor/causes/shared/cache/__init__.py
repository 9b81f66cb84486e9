"""What the pull-through cache needs, and what it is offered for."""

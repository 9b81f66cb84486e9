"""What is said of the host that pulls, and of the one that answers."""

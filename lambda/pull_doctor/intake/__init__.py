"""What happened: the task, its failures, their image references and symptoms. Pure."""

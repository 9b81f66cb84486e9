"""The commands about the deployed stack: its incidents, its dead letters, and a test of its sinks."""

"""The report as a value, and its four forms: text, Slack, Markdown, and JSON. Pure."""

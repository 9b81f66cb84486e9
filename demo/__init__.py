"""``make demo``: one real defect in an emulated AWS, from ECS's event to the report in mail and in Slack."""

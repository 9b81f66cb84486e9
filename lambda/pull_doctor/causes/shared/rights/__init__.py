"""What the causes of roles and rights share."""

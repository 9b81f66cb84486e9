"""What the causes of the way share."""

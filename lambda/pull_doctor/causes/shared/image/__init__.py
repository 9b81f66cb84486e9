"""What the causes of the image share."""

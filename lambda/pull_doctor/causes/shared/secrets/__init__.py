"""What the causes of secrets and logins share."""

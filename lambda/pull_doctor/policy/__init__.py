"""Who may do what: evaluation of the policy documents a pull meets. Pure."""

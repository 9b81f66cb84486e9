"""The path from the puller to each host that the pull needs, hop by hop. Pure."""

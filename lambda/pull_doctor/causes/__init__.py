"""One module a cause: whether its defect stopped this pull. Pure."""

"""What several causes share: sentences, fixes, and readings of a trace; none of these modules is a cause."""

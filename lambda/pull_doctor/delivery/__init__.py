"""One report per incident: the table of incidents, and the sinks that receive reports."""

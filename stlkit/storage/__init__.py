"""What must survive: queue state, history, templates, cache."""

"""History as tables, statistics and plots."""

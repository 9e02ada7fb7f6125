"""Names, folder layouts, summaries and logs of what was made."""

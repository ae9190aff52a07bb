"""From clean rows to users' lists: thresholds, the split into who trains and who tests, the prepared dump."""

"""Which model answers: found in the store, proven beside the one that answers, then swapped."""

"""The nearest users of every user, and what they have in common."""

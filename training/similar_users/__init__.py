"""Everybody's nearest users, and what they have in common."""

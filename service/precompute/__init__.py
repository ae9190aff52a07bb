"""Recommendations computed before they are asked for: the command, and the file it leaves beside the bundle."""

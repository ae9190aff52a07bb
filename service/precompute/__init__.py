"""Recommendations computed before anybody asks: the command, and the file it leaves beside the bundle."""

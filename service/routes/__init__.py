"""The routes: each parses, calls and returns. What may take long runs in a thread."""

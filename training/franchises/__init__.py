"""Which anime belong to one franchise, in what order to watch them, and how well that is known.

No dump holds it, so it is read from titles and checked against who watches what (ADR 7).
"""

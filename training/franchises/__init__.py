"""Which anime belong to one franchise, in what order to watch them, and how well that is known.

No dump says which anime are related, so it is read from titles and checked against who watches what
(docs/adr/0007-franchises-from-titles.md).
"""

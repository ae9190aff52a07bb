"""What can be wrong with what a person gives to training. Each prints as one clear line."""


class InputError(Exception):
    """A file, an option or an earlier stage's folder cannot be used: what was expected, what came, how to mend it."""

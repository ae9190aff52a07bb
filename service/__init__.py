"""The HTTP half: answers with a published bundle, on numpy alone."""

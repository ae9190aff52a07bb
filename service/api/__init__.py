"""Everything that knows HTTP: routes, what requests may say, what answers look like, problems."""

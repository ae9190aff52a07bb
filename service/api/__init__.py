"""Everything that knows HTTP: routes, the schemas of requests and answers, problems."""

"""From a bundle and a newer dump to a bundle of the same model: nothing is learned."""

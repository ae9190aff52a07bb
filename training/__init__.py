"""From a MyAnimeList dump to a published bundle: prepare, train, evaluate, publish.

The only package that imports tensorflow and pandas.
"""

"""Which anime are similar: a ranker that looks at pairs, run offline over every anime.

``evidence``, ``texts`` and ``catalogue_evidence`` hold what lists and catalogue know of a pair, ``features`` turns it
into numbers that mean the same on any dump, ``ranker`` scores them, ``rank`` makes the neighbours of the bundle.
"""

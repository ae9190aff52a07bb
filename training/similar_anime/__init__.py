"""Which anime are similar: a ranker that looks at pairs, run offline over every anime.

``evidence``, ``texts``, ``catalogue_evidence``, ``expected`` and ``votes`` hold what lists, catalogue and what
people recommend know of a pair, ``features`` turns it into numbers that mean the same on any dump, ``ranker`` scores
them, ``rank`` makes the neighbours of the bundle, and ``item_cosines`` those of plain item kNN.
"""

"""Which anime are similar: a ranker that looks at pairs, run offline over every anime.

``evidence``, ``texts`` and ``catalogue_evidence`` say what lists and catalogue know of a pair, ``features`` turns it
into numbers that mean the same on any dump, ``ranker`` scores them, ``rank`` makes the neighbours that the bundle
holds. The ranker's weights are learned from recommendations.csv where the dump has it (``learn``) and come with the
project where it has not.
"""

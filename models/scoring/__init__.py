"""How a model scores: numpy functions that the service answers with and that training measures.

They stand here, and not in the service, so that what is measured is what is served (docs/adr/0002).
"""

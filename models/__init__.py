"""What a trained model is: the bundle's format, its reader, writer and checks, and how it scores.

This package is the only thing the two halves share: ``training`` writes bundles, ``service`` reads them.
It needs numpy and pydantic, and faiss for the index of many users; nothing else.
"""

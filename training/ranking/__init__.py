"""Small networks that rank, learned side by side: ``learn``, with the derivatives in ``backprop``."""

"""Measures how close the service is to the wire. Prints ratios of one run: absolute times mean nothing elsewhere."""

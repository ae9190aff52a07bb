"""Item-to-item weights: pairs of anime counted, and weights fitted in closed form."""

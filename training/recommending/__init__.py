"""The second stage of recommending: a network learns to re-rank what item weights propose."""

"""What every model must beat: popularity and the notebook's item kNN."""

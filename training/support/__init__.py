"""What every stage uses: compiled loops, folders that are whole or absent, progress, background work."""

"""How good every method is: metrics, what is true, baselines, the run's report and the leaderboard."""

"""The leaderboard: every method on the same users, targets and queries, each in a process of its own."""

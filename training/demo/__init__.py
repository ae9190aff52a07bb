"""Simulated demo data in the format of the MyAnimeList dump."""

from training.demo.dump import DemoSummary, write_demo_data

__all__ = ["DemoSummary", "write_demo_data"]

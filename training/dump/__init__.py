"""From the files of a MyAnimeList dump to clean rows, whatever their format and spelling."""

"""Lists as people have them: exports of other sites, tables and lines of titles, read into ratings."""

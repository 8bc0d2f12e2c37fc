"""Search: one table of parameters; index rows, queries, pages and documents all derive from it."""

"""Chirona, a hospital data management system: 15 relational tables on PostgreSQL, or the same tables in SQLite."""

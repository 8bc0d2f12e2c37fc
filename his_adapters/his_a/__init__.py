"""HIS_A, a general hospital: three SQLite files, one table each."""

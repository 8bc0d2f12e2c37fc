"""HIS_D, critical care and oncology: three SQLite files whose text columns are packed with commas."""

"""Hybrid EHR, a clinic that keeps tables in PostgreSQL and clinical notes in MongoDB."""

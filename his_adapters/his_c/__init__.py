"""HIS_C, a cosmetic and skincare clinic: three CSV files with packed cells."""

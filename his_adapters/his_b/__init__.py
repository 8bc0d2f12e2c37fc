"""HIS_B, a private specialty clinic: three JSON files of nested objects."""

"""One module per dialect, each one table of fields."""

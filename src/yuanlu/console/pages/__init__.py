"""Pages for staff, one module per subject; `routes` lists them all."""

"""One module per resource; each offers its OPERATIONS."""

"""What makes the pages of the documentation out of the code; not in the wheel."""

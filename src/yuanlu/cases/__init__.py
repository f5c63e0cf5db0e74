"""The work list for people: what the machine could not close, by when, who has it, and what two people decided."""

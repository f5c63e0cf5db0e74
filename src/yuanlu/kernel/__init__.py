"""What every package may lean on: money, identifiers, clock, errors, limits. Pure."""

"""How it is proven: seeded runs of the real deciding code against faults, and a separate checker (`docs/proof.md`)."""

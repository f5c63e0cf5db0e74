"""L1, crash points: short stories, each stopped at every one of its steps and gone on with by the next life."""

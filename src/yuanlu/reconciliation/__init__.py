"""Our journal against what others have: a terminal's batch, and every difference as a finding."""

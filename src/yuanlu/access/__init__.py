"""Who may do what: staff accounts, roles, sign-in, sessions."""

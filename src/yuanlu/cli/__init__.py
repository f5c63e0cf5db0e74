"""The command line: `yuanlu serve | demo | decode | replay | probe | status | show | config | db`."""

"""`python -m yuanlu.cli`: the same as the command `yuanlu`."""

from yuanlu.cli.main import main

main()

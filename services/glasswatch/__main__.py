"""`python -m glasswatch` is the command line."""

from glasswatch.cli import main

main()

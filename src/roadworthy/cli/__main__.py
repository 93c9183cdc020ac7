"""`python -m roadworthy.cli` is `roadworthy`."""

from roadworthy.cli.main import main

main()

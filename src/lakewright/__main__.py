"""`python -m lakewright` is the command `lakewright`."""

from lakewright.cli.__main__ import main

main()

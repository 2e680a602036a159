"""`lakewright version`."""

from lakewright import version
from lakewright.cli import output
from lakewright.cli.app import Common


def show(*, common: Common = Common()) -> None:
    """Print the version."""
    if common.json:
        output.print_json({"version": version.VERSION})
    else:
        output.print_line(version.VERSION)

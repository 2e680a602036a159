"""The command `lakewright`. `version` answers before anything heavy is imported."""

import gc
import sys

from lakewright import version


def main() -> None:
    """Run one command and end the process with its exit code."""
    if sys.argv[1:] in (["version"], ["--version"]):
        print(version.VERSION)
        return
    try:
        gc.disable()  # What is loaded stays: to look through it again and again takes time.
        from lakewright.cli import app

        gc.freeze()
        gc.enable()
        code = app.run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130  # While libraries were loaded: nothing has begun yet.
    sys.exit(code)


if __name__ == "__main__":
    main()

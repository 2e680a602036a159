"""Puts another interpreter, a traced one, where a process starts its child processes.

Python imports this module at its start where this folder is on PYTHONPATH. The child itself, which
has `LAKEWRIGHT_CHILD`, is left alone.

    FAULTS_INTERPRETER    what children are started with
"""

import os
import sys

if "FAULTS_INTERPRETER" in os.environ and "LAKEWRIGHT_CHILD" not in os.environ:
    sys.executable = os.environ["FAULTS_INTERPRETER"]

import subprocess
import sys
from importlib.util import find_spec

MAKE_AN_ARRAY = """
import sys
from lakewright.wiring.child import WithoutPandas
sys.meta_path.insert(0, WithoutPandas())
import duckdb, pyarrow
assert pyarrow.array(["a"], pyarrow.string()).to_pylist() == ["a"]
assert duckdb.connect().execute("SELECT 1 AS one").fetchnumpy()["one"].tolist() == [1]
assert duckdb.connect().execute("SELECT 1 AS one").to_arrow_table().to_pylist() == [{"one": 1}]
print("pandas" in sys.modules)
"""


def test_a_child_makes_arrays_without_loading_pandas() -> None:
    assert find_spec("pandas"), "it must be installed to be kept out"
    done = subprocess.run(
        [sys.executable, "-c", MAKE_AN_ARRAY], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"

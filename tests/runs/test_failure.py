import pytest

from lakewright import errors
from lakewright.runs import failure


@pytest.mark.parametrize("kind", [errors.FileUnreadable, errors.CheckFailed, errors.RunLost])
def test_an_error_comes_back_as_it_was(kind: type[errors.LakewrightError]) -> None:
    where = errors.Place(file="a.csv", line=3, column=4)
    problem = errors.Problem(code="x", what="odd", where=where, why="w", hint="h", excerpt="e\n^")
    error = kind("what", where=where, why="why", hint="hint", problems=[problem])
    found = failure.from_json(failure.to_json(error))
    assert type(found) is kind
    assert failure.to_json(found) == failure.to_json(error)
    assert found.problems == (problem,)


def test_an_error_of_a_newer_version_is_still_shown() -> None:
    found = failure.from_json({"code": "of-tomorrow", "what": "new"})
    assert (type(found), found.what) == (errors.LakewrightError, "new")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (errors.NotFound("gone"), errors.NotFound),
        (OSError(28, "No space left on device"), errors.RunFailed),
        (MemoryError(), errors.RunFailed),
        (ZeroDivisionError("oops"), errors.InternalError),
    ],
)
def test_whatever_is_raised_becomes_an_error_with_a_way_out(
    raised: Exception, kind: type[errors.LakewrightError]
) -> None:
    found = failure.of_exception(raised, "`land`")
    assert type(found) is kind
    assert found.hint or found is raised

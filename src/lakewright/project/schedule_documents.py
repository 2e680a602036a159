"""A schedule's file as its author writes it. The docstrings are shown by editors and reference."""

from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from pydantic import AfterValidator, Field, model_validator

from lakewright.project import cron, quantity
from lakewright.project.document import Document, Names, NonEmpty
from lakewright.project.schedule import MISSED_MAX, Missed

JITTER_SECONDS_MAX = 24 * 3600
"""A schedule that may be later than a day is a slip of the pen."""


def _cron(text: str) -> str:
    cron.check(text)
    return text


def _zone(text: str) -> str:
    cron.check_zone(text)
    return text


def _jitter(text: str) -> str:
    if quantity.seconds_of(text) > JITTER_SECONDS_MAX:
        raise ValueError("it is longer than a day")
    return text


def _location(text: str) -> str:
    scheme, is_remote, rest = text.partition("://")
    if not is_remote:
        return text
    if scheme not in ("s3", "https", "sftp"):
        raise ValueError(
            f"nothing is fetched by {scheme!r}: name a folder or a file, or a place that begins"
            " with s3://, https:// or sftp://"
        )
    if ":" in rest.partition("/")[0].rpartition("@")[0]:
        raise ValueError(
            "it has a password, and a project's files are shared: take it out, and change it;"
            " the worker's environment, or its user's configuration, says who it is"
        )
    return text


class FetchDocument(Document):
    """Upload the files at a place: each content once, and none that is known by its name, size
    and time of change is read again."""

    noun: ClassVar[str] = "`fetch`"

    source: NonEmpty
    """The source that the files belong to."""
    location: Annotated[
        NonEmpty,
        AfterValidator(_location),
        Field(alias="from", examples=["incoming/", "s3://bucket/orders/*.csv"]),
    ]
    """A folder, a file, or a pattern with `*`, `?`, `[...]` and `**`: on the worker's machine,
    relative to the project's folder, or at `s3://`, `https://` or `sftp://`. Of a folder, the
    files that lie in it are taken; hidden ones are not."""


class ScheduleDocument(Document):
    """A file `schedules/<name>.yaml`: something that `lakewright worker` does by itself at certain
    times. It has either `run` or `fetch`."""

    noun: ClassVar[str] = "a schedule"

    description: str = ""
    """What it is for."""
    cron: Annotated[NonEmpty, AfterValidator(_cron), Field(examples=["15 6 * * *"])]
    """When: minute, hour, day of the month, month and day of the week, as Debian's cron reads
    them."""
    time_zone: Annotated[NonEmpty, AfterValidator(_zone), Field(examples=["Europe/Berlin"])] = "UTC"
    """Whose clock `cron` speaks of, by its name in the IANA database."""
    run: Names | None = None
    """The models to bring up to date, with what depends on them, each as `layer.name`."""
    fetch: FetchDocument | None = None
    """The files to upload."""
    missed: Missed = Missed.LATEST
    """What becomes of ticks at which no worker was there for more than a minute: none is made up
    for (`skip`), the newest is (`latest`), or each (`all`)."""
    missed_max: Annotated[int, Ge(1), Le(10_000)] = MISSED_MAX
    """For `missed: all`: how many, the newest, are made up for at most."""
    jitter: Annotated[str, AfterValidator(_jitter), Field(examples=["5m"])] = "0s"
    """By how much it may be later, so that not all begin at once: a number and one of `s`, `m` and
    `h`. How much it is differs from tick to tick, but is the same on every machine."""

    @model_validator(mode="after")
    def _one_action(self) -> "ScheduleDocument":
        if (self.run is None) == (self.fetch is None):
            found = "it has neither" if self.run is None else "it has both"
            raise ValueError(f"a schedule has either `run` or `fetch`; {found}")
        return self

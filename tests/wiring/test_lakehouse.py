"""A connected project leaves nothing behind that killed processes had begun."""

from pathlib import Path

from lakewright import wiring


def test_what_killed_receptions_have_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "lakewright.yaml").write_text("name: shop\n", "utf-8")
    part = tmp_path / ".lakewright" / "raw" / ".receiving" / "x.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half a file")
    with wiring.open_lakehouse(tmp_path) as house:
        assert not house.raw.exists("orders", "0" * 64)
    assert not part.exists()

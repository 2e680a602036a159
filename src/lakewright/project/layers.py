"""The rules of the layers: who may read whom, and where a model's table may be."""

BRONZE = "bronze"
QUARANTINE = "quarantine"
SILVER = "silver"
GOLD = "gold"

MODEL_LAYERS = (SILVER, GOLD)
"""The layers that models make; the others are made from files."""

READABLE: dict[str, tuple[str, ...]] = {
    SILVER: (BRONZE, QUARANTINE, SILVER),
    GOLD: (BRONZE, QUARANTINE, SILVER, GOLD),
}
"""What a model of a layer may read: its own layer and those below it."""


def layer_of(table: str) -> str:
    """The layer of `layer.name`."""
    return table.partition(".")[0]

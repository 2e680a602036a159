"""Clean tables that look like what people deliver: the ground on which files are polluted.

Every table is a function of a random generator: header and rows of text, with commas, quotes, line
ends, empty cells, dates, decimals and characters beyond ASCII where such a table has them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True, slots=True)
class Clean:
    """A table before anything happens to it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def orders(random: Random) -> Clean:
    """Orders with product texts, links and remarks that hold commas, quotes and line ends."""
    header = ["Date", "Time", "Qty", "Product ID", "Price", "Kind", "Description", "Link", "Remark"]
    kinds = ("Clothes", "Books", "Garden, outdoor", "Toys")
    texts = (
        "Shirt, blue, size L", 'Tube 3/4" wide', "Notebook A5", "Hose", "Puzzle with 1,000 parts",
        "Mug", "Rain coat; unisex", "Ruler",
    )  # fmt: skip
    remarks = ("", "", "", "call first", "gift, wrap it", "leave it at\nthe door", 'said "please"')
    rows = [
        [
            f"2018-{random.randint(1, 12):02}-{random.randint(1, 28):02}",
            f"{random.randint(0, 23):02}:{random.randint(0, 59):02}",
            str(random.randint(1, 20)),
            f"P-{random.randint(100, 999)}",
            f"{random.randint(1, 500)}.{random.randint(0, 99):02}",
            random.choice(kinds),
            random.choice(texts),
            f"https://shop.example/p/{random.randint(1, 99)}",
            random.choice(remarks),
        ]
        for _ in range(random.choice((12, 30, 84)))
    ]
    return Clean(header=header, rows=rows)


def people(random: Random) -> Clean:
    """People with names and cities beyond ASCII, and addresses with commas."""
    header = ["id", "name", "e-mail", "city", "signed up", "active"]
    given = ("Ada", "Zoë", "Łukasz", "Édith", "Jürgen", "Anaïs", "Tom", "O'Neil", "Søren")
    cities = ("København", "San José", "Köln", "York", "Málaga", "Paris, France", "Oslo")
    rows = [
        [
            str(1000 + number),
            f"{random.choice(given)} {random.choice(('Berg', 'Novák', 'Silva', 'Lee'))}",
            f"user{number}@example.org",
            random.choice(cities),
            f"{random.randint(1, 28):02}/{random.randint(1, 12):02}/20{random.randint(10, 24)}",
            random.choice(("yes", "no", "")),
        ]
        for number in range(random.choice((6, 25, 60)))
    ]
    return Clean(header=header, rows=rows)


def measurements(random: Random) -> Clean:
    """What sensors write: hardly anything but numbers."""
    header = ["timestamp", "sensor", "temperature", "humidity", "pressure", "ok"]
    rows = [
        [
            f"2024-05-{1 + number // 24:02}T{number % 24:02}:00:00Z",
            f"s{random.randint(1, 4)}",
            f"{random.uniform(-10, 30):.2f}",
            str(random.randint(10, 99)) if random.random() > 0.1 else "",
            f"{random.uniform(980, 1040):.1f}",
            random.choice(("true", "false")),
        ]
        for number in range(random.choice((10, 40, 300)))
    ]
    return Clean(header=header, rows=rows)


def accounts(random: Random) -> Clean:
    """A European bank's export: decimal commas, dates with dots, long purposes."""
    header = ["Buchungstag", "Empfänger", "Verwendungszweck", "Betrag", "Währung", "Saldo"]
    names = ("Müller GmbH", "Stadtwerke", "Bäckerei Groß", "Finanzamt", "J. Weiß")
    purposes = ("Miete Mai", "Rechnung 4711, Danke", "Gehalt", "Abschlag Strom", "RE 2024-17")
    rows = [
        [
            f"{random.randint(1, 28):02}.{random.randint(1, 12):02}.2024",
            random.choice(names),
            random.choice(purposes),
            f"{random.randint(-900, 2000)},{random.randint(0, 99):02}",
            "EUR",
            f"{random.randint(1, 9)}.{random.randint(100, 999)},{random.randint(0, 99):02}",
        ]
        for _ in range(random.choice((8, 20, 50)))
    ]
    return Clean(header=header, rows=rows)


def words(random: Random) -> Clean:
    """Nothing but text: no number or date tells header from records."""
    header = ["country", "capital", "language", "known for"]
    rows = [
        ["France", "Paris", "French", "cheese, wine"], ["Japan", "Tokyo", "Japanese", "trains"],
        ["Peru", "Lima", "Spanish", "Machu Picchu, textiles"], ["Kenya", "Nairobi", "Swahili", ""],
        ["Norway", "Oslo", "Norwegian", "fjords"], ["India", "New Delhi", "Hindi", "tea, films"],
        ["Chile", "Santiago", "Spanish", "wine, deserts"], ["Egypt", "Cairo", "Arabic", "pyramids"],
        ["Iceland", "Reykjavík", "Icelandic", ""], ["Ghana", "Accra", "English", "cocoa"],
    ]  # fmt: skip
    random.shuffle(rows)
    return Clean(header=header, rows=rows[: random.randint(6, 10)])


def stock(random: Random) -> Clean:
    """A warehouse's list: codes, sizes in inches, prices with a currency, gaps."""
    header = ["SKU", "Item", "Size", "In stock", "Unit price", "Updated"]
    items = ("Pipe", "Elbow", "Valve, brass", "Gasket", "T-piece, steel")
    rows = [
        [
            f"{random.randint(0, 99999):05}",
            random.choice(items),
            random.choice(('1/2"', '3/4"', "20 mm", "")),
            str(random.randint(0, 4000)),
            f"${random.randint(1, 90)}.{random.randint(0, 99):02}",
            f"{random.randint(1, 12)}/{random.randint(1, 28)}/2023 {random.randint(1, 12)}:15 PM",
        ]
        for _ in range(random.choice((9, 35, 70)))
    ]
    return Clean(header=header, rows=rows)


TABLES: Mapping[str, Callable[[Random], Clean]] = {
    "orders": orders,
    "people": people,
    "measurements": measurements,
    "accounts": accounts,
    "words": words,
    "stock": stock,
}

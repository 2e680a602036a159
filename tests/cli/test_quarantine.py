from tests.cli.conftest import ORDERS, Shop


def test_uploads_with_refused_records_are_listed_with_reasons(shop: Shop) -> None:
    listed = shop.say("quarantine", "list", "--json").json
    assert isinstance(listed, list)
    assert [(each["file"], each["records_quarantined"], each["reasons"]) for each in listed] == [
        ("orders.csv", 1, {"quantity: not_an_int": 1})
    ]
    assert "1 × quantity: not an int" in shop.say("quarantine", "list").out


def test_a_refused_record_is_shown_with_place_text_and_every_reason(shop: Shop) -> None:
    lines = shop.say("quarantine", "show", "orders").out.splitlines()
    assert lines[0].startswith("orders.csv, record 3, byte ")
    assert lines[1] == "  102,1,2025-01-03 08:30:00,2025-01-03 08:30:00,new,many,5.00,"
    assert lines[2].startswith("  quantity: ")


def test_a_replay_under_a_kinder_contract_loads_what_was_refused(own_shop: Shop) -> None:
    source = own_shop.folder / "sources" / "orders.yaml"
    text = source.read_text("utf-8")
    kinder = text.replace("{name: quantity, type: int,", "{name: quantity, type: int, null_words: "
                          "['', many],")  # fmt: skip
    assert kinder != text
    source.write_text(kinder, "utf-8")
    said = own_shop.say("quarantine", "replay", "orders")
    assert said.code == 0, said.err
    assert own_shop.ask("SELECT count(*) AS n FROM bronze.orders") == [[4]]
    assert own_shop.say("quarantine", "list", "--json").json == []


def test_a_source_without_any_is_told_so(shop: Shop) -> None:
    assert shop.say("quarantine", "show", "nothing").code == 5
    assert shop.say("quarantine", "replay", "customers").code == 5
    unknown = shop.say("quarantine", "replay", "nothing")
    assert unknown.code == 5
    assert "there is no source nothing that was loaded" in unknown.err
    assert "no record is in quarantine there" in shop.say("quarantine", "show", "customers").err


def test_what_is_wrong_with_a_whole_record_does_not_read_as_a_number_of_records(
    own_shop: Shop,
) -> None:
    text = ORDERS.splitlines()[0] + "\n7,1\n"
    own_shop.say("upload", own_shop.file("orders_3.csv", text + ORDERS.splitlines()[1] + "\n"))
    assert "1 × whole record: too few fields" in own_shop.say("quarantine", "list").out
    assert "\n  whole record: " in own_shop.say("quarantine", "show", "orders").out

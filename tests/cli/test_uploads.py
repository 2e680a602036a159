from tests.cli.conftest import Shop


def test_the_list_has_every_delivery_newest_first(shop: Shop) -> None:
    listed = shop.say("uploads", "list", "--json").json
    assert isinstance(listed, list)
    assert [each["file_name"] for each in listed] == ["orders.csv", "customers.csv"]
    of_one = shop.say("uploads", "list", "--source", "customers", "--json").json
    assert isinstance(of_one, list)
    assert [each["file_name"] for each in of_one] == ["customers.csv"]


def test_an_upload_is_shown_by_the_first_letters_of_its_id(shop: Shop) -> None:
    listed = shop.say("uploads", "list", "--json").json
    assert isinstance(listed, list)
    said = shop.say("uploads", "show", listed[0]["upload_id"][:8])
    assert said.code == 0
    assert "records   4 in = 3 loaded + 1 quarantined" in said.out
    assert listed[0]["sha256"] in said.out


def test_an_unknown_id_is_not_found_and_the_hint_names_the_list(shop: Shop) -> None:
    said = shop.say("uploads", "show", "zzz")
    assert said.code == 5
    assert "`lakewright uploads list` shows them" in said.err


def test_a_removed_upload_leaves_every_table_and_may_come_again(own_shop: Shop) -> None:
    listed = own_shop.say("uploads", "list", "--source", "customers", "--json").json
    assert isinstance(listed, list)
    said = own_shop.say("uploads", "remove", listed[0]["upload_id"])
    assert said.code == 0, said.err
    assert own_shop.ask("SELECT count(*) AS n FROM bronze.customers") == [[0]]
    assert own_shop.ask("SELECT count(name) AS n FROM gold.customer_metrics") == [[0]]
    again = own_shop.say("upload", str(own_shop.folder / "customers.csv"), "--json")
    assert [each["status"] for each in again.jsons] == ["loaded"]

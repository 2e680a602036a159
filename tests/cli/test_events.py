from tests.cli.conftest import Shop, Type


def test_events_are_listed_oldest_first(shop: Shop) -> None:
    events = shop.say("events", "list", "--json").json
    assert isinstance(events, list)
    kinds = [each["kind"] for each in events]
    assert kinds[0] == "file-uploaded"
    assert kinds.count("run-finished") == 2
    after = shop.say("events", "list", "--after", str(events[2]["sequence"]), "--json").json
    assert after == events[3:]
    assert "file-uploaded" in shop.say("events", "list", "--limit", "1").out


def test_a_program_reads_the_same_events_until_it_acknowledges_them(own_shop: Shop) -> None:
    said = own_shop.say("events", "subscribe", "mail")
    assert (said.code, said.out) == (0, "mail reads on behind event 0\n")
    first = own_shop.say("events", "read", "mail", "--limit", "2", "--json").json
    assert isinstance(first, list)
    assert own_shop.say("events", "read", "mail", "--limit", "2", "--json").json == first
    last = str(first[-1]["sequence"])
    assert own_shop.say("events", "acknowledge", "mail", last).code == 0
    rest = own_shop.say("events", "read", "mail", "--json").json
    assert isinstance(rest, list)
    assert first[-1]["event_id"] not in [each["event_id"] for each in rest]
    subscribers = own_shop.say("events", "subscribers", "--json").json
    assert isinstance(subscribers, list)
    assert [(each["name"], str(each["position"])) for each in subscribers] == [("mail", last)]
    assert "mail" in own_shop.say("events", "subscribers").out
    assert own_shop.say("events", "unsubscribe", "mail", "--json").json == {"unsubscribed": "mail"}
    assert own_shop.say("events", "read", "mail").code == 5


def test_who_subscribes_from_now_on_reads_nothing_that_was(own_shop: Shop) -> None:
    new = own_shop.say("events", "subscribe", "new", "--from-now", "--json").json
    assert isinstance(new, dict)
    assert isinstance(new["position"], int)
    assert new["position"] > 0
    assert "no events" in own_shop.say("events", "read", "new").err


def test_where_nobody_has_subscribed_the_next_command_is_named(lakewright: Type) -> None:
    lakewright("init", "lake")
    assert "events subscribe NAME" in lakewright("events", "subscribers", "--project", "lake").err

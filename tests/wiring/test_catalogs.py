"""The catalog that an environment names, and who speaks with its server."""

import pytest

from lakewright import errors
from lakewright.lake.rest_catalog import RestCatalog
from lakewright.lake.rest_transport import Answer, Request
from lakewright.plan import codec
from lakewright.project.environment import CatalogServer
from lakewright.runs.records import Json
from lakewright.wiring import catalogs

SERVER = CatalogServer(uri="http://127.0.0.1:9", namespace=("team", "shop"))


def test_without_a_server_the_catalog_is_left_to_the_lake() -> None:
    assert catalogs.open_catalog(None) is None


def test_a_process_without_a_network_asks_another() -> None:
    asked: list[Request] = []

    def ask(question: Json) -> Json:
        asked.append(codec.decode(Request, question))
        return codec.encode(Answer(status=503))

    catalog = catalogs.open_catalog(SERVER, ask)
    assert isinstance(catalog, RestCatalog)
    assert catalog.place == "http://127.0.0.1:9 team.shop"
    with pytest.raises(errors.CatalogUnavailable):
        catalog.pointers()
    assert [one.path for one in asked] == ["v1/config"]


@pytest.mark.parametrize(
    "request_of_another",
    [
        Request(method="DELETE", path="v1/namespaces/x"),
        Request(method="GET", path="admin"),
        Request(method="GET", path="v1/../admin"),
    ],
    ids=str,
)
def test_a_relay_passes_on_only_what_a_catalog_is_asked(request_of_another: Request) -> None:
    relay = catalogs.Relay(SERVER)
    answer = codec.decode(Answer, relay(codec.encode(request_of_another)))
    assert (answer.status, answer.is_sent, answer.why) == (0, False, "no catalog is asked that")


def test_a_relay_says_that_the_server_is_not_there() -> None:
    relay = catalogs.Relay(SERVER)
    question = codec.encode(Request(method="GET", path="v1/config"))
    answer = codec.decode(Answer, relay(question))
    assert (answer.status, answer.is_sent) == (0, False)
    assert answer.why != "no catalog is asked that"
    relay.close()

"""The catalog that an environment names, for this process or for the child that it asks."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lakewright.plan import codec
from lakewright.runs.records import Json

if TYPE_CHECKING:
    from lakewright.lake.catalog import Catalog
    from lakewright.lake.rest_transport import Transport
    from lakewright.project.environment import CatalogServer

TOKEN = "LAKEWRIGHT_CATALOG_TOKEN"  # noqa: S105 - the name of a variable
CREDENTIAL = "LAKEWRIGHT_CATALOG_CREDENTIAL"


def open_catalog(
    server: "CatalogServer | None", ask: Callable[[Json], Json] | None = None
) -> "Catalog | None":
    """The catalog; None: a file beside the tables is it.

    `ask`: has a `Relay` in another process send; None: this one may use the network.
    """
    if server is None:
        return None
    from lakewright.lake.rest_catalog import RestCatalog
    from lakewright.lake.rest_transport import Answer, Relayed

    transport: Transport
    if ask is None:
        transport = http(server)
    else:
        transport = Relayed(lambda request: codec.decode(Answer, ask(codec.encode(request))))
    return RestCatalog(transport, server.uri, server.warehouse, server.namespace)


class Relay:
    """Answers what a child asks a server, and only what a catalog is asked."""

    def __init__(self, server: "CatalogServer") -> None:
        self._transport = http(server)

    def __call__(self, question: Json) -> Json:
        """The answer to a request, both as they cross between the processes."""
        from lakewright.lake.rest_transport import Answer, Request

        request = codec.decode(Request, question)
        parts = request.path.split("/")
        if request.method not in ("GET", "POST") or parts[0] != "v1" or ".." in parts:
            return codec.encode(Answer(is_sent=False, why="no catalog is asked that"))
        return codec.encode(self._transport.send(request))

    def close(self) -> None:
        """Close the connection to the server."""
        self._transport.close()


def http(server: "CatalogServer", variables: Mapping[str, str] | None = None) -> "Transport":
    """What carries questions to the server, with what the environment's variables prove."""
    from lakewright.lake.rest_transport import Credentials, HttpTransport

    given = os.environ if variables is None else variables
    credentials = Credentials(
        token=given.get(TOKEN, ""),
        credential=given.get(CREDENTIAL, ""),
        url=server.oauth2_uri or f"{server.uri.rstrip('/')}/v1/oauth/tokens",
        scope=server.oauth2_scope,
    )
    return HttpTransport(server.uri, credentials)

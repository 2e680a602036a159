"""SFTP places as fsspec knows them, but only on servers whose keys this user knows already.

fsspec itself trusts whoever answers first. Keys are looked for where OpenSSH has them:
`~/.ssh/known_hosts`, the agent, and the user's own key files.
"""

from typing import Self
from urllib.parse import unquote, urlsplit

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem


class Places(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The files on one server."""

    cachable = False

    @classmethod
    def of(cls, url: str, timeout_seconds: float) -> Self:
        """The server that a URL names, with its user and port."""
        parts = urlsplit(url)
        options: dict[str, object] = {
            "timeout": timeout_seconds,
            "banner_timeout": timeout_seconds,
            "auth_timeout": timeout_seconds,
        }
        if parts.port is not None:
            options["port"] = parts.port
        if parts.username is not None:
            options["username"] = unquote(parts.username)
        return cls(parts.hostname or "", **options)

    def unstrip_protocol(self, name: str) -> str:
        """The URL of a path here: files on two servers are two files."""
        port = self.ssh_kwargs.get("port")
        return f"sftp://{self.host}{'' if port is None else f':{port}'}{name}"

    def _connect(self) -> None:
        """See `SFTPFileSystem`, which does not look at the keys that are known."""
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self.client.connect(self.host, **self.ssh_kwargs)
        self.ftp = self.client.open_sftp()
        channel = self.ftp.get_channel()
        if channel is not None:
            channel.settimeout(float(self.ssh_kwargs["timeout"]))

"""Moves one file by SFTP: transfer.py (paramiko | asyncssh) (get | put) SETTINGS, which is JSON."""

import asyncio
import base64
import json
import shlex
import sys

library, direction, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def paths():
    """The arguments of get or put."""
    return settings["from"], settings["to"]


def with_paramiko():
    import paramiko

    kind, key = settings["hostKey"].split()
    client = paramiko.SSHClient()
    client.get_host_keys().add("job", kind, paramiko.Ed25519Key(data=base64.b64decode(key)))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect("job", username=settings["username"], key_filename=settings["key"],
                   sock=paramiko.ProxyCommand(settings["proxyCommand"]),
                   allow_agent=False, look_for_keys=False)
    getattr(client.open_sftp(), direction)(*paths())
    client.close()


async def with_asyncssh():
    import asyncssh

    known_hosts = asyncssh.import_known_hosts("job " + settings["hostKey"] + "\n")
    async with asyncssh.connect(
            "job", username=settings["username"], client_keys=[settings["key"]], config=None,
            known_hosts=known_hosts, agent_path=None,
            proxy_command=shlex.split(settings["proxyCommand"])) as connection:
        async with connection.start_sftp_client() as sftp:
            await getattr(sftp, direction)(*paths())


if library == "paramiko":
    with_paramiko()
else:
    asyncio.run(with_asyncssh())

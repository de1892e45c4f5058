"""`hotline recordings`: seal all recordings with the key in force, so that an old one can go."""

from __future__ import annotations

import typer

from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.errors import ConfigMistake
from crm_bridge.recordings import book
from crm_bridge.recordings.keyring import SealFault
from crm_bridge.recordings.vault import Vault, vault_of

recordings = typer.Typer(help="Voices that are kept, and the keys they are sealed with.")


@recordings.callback()
def _recordings() -> None:
    pass  # one command more and the first would else be the whole of it


@recordings.command("reseal")
def reseal(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Seal what an older key has sealed with the key in force; files are not touched.

    Put the new key beside the old one, name it in `recordings.key`, restart the bridge, run this,
    and take the old one away. It can be run while the bridge runs, and again after a fault.

    Example:  hotline recordings reseal --config hotline.toml
    """
    loaded = load(config)
    vault = vault_of(loaded)
    if vault is None:
        raise ConfigMistake(
            "there is no key", where="recordings.keys",
            mend="run it with the environment that the bridge has",
        )  # fmt: skip
    count = run(_all(loaded, vault))
    typer.echo(f"sealed with {vault.keys.in_force}: {count}")


async def _all(config: Config, vault: Vault) -> int:
    count, after = 0, ""
    try:
        async with opened(config.database.url) as database:
            while True:
                async with database.writing() as connection:
                    done, last = await book.reseal(connection, vault.keys, after)
                count += done
                if last is None:
                    return count
                after = last
    except SealFault as fault:
        raise ConfigMistake(
            fault.what, where="recordings.keys",
            mend="give it the keys that the recordings were sealed with, too",
        ) from None  # fmt: skip

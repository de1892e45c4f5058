"""The command line: every command of `hotline`, and its exit codes."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from crm_bridge.commands import exits
from crm_bridge.commands.account import account
from crm_bridge.commands.announcement import announcement
from crm_bridge.commands.audit import audit
from crm_bridge.commands.backup import backup, restore
from crm_bridge.commands.calls import calls
from crm_bridge.commands.capture import capture
from crm_bridge.commands.connector import connector
from crm_bridge.commands.demo import demo
from crm_bridge.commands.doctor import doctor
from crm_bridge.commands.figures import figures
from crm_bridge.commands.forecast import forecast
from crm_bridge.commands.gaps import gaps
from crm_bridge.commands.install import install
from crm_bridge.commands.lab import lab
from crm_bridge.commands.menu import menu
from crm_bridge.commands.migrate import migrate
from crm_bridge.commands.opened import COMMAND
from crm_bridge.commands.prompts import prompts
from crm_bridge.commands.reconcile import reconcile
from crm_bridge.commands.recordings import recordings
from crm_bridge.commands.replay import replay
from crm_bridge.commands.report import checksum, report
from crm_bridge.commands.retention import retention
from crm_bridge.commands.serve import serve
from crm_bridge.commands.show import show
from crm_bridge.commands.subject import subject
from crm_bridge.commands.watch import watch


class _Commands(TyperGroup):
    """Ends every command on an expected failure with one line and its exit code."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        below = [word for word in rest[:1] if word in getattr(command, "commands", {})]
        COMMAND.set(" ".join(["hotline", str(name), *below]))
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (*exits.EXPECTED, BaseExceptionGroup, BrokenPipeError, KeyboardInterrupt) as error:
            exits.end_on(error)


_EPILOG = "Exit codes:\n\n" + "\n\n".join(f"{code:>3}  {what}" for code, what in exits.TABLE)

app = typer.Typer(
    name="hotline",
    cls=_Commands,
    help="Hotline 1203: calls on Asterisk, timed step by step against the published standards.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(serve)
app.command("capture")(capture)
app.command("replay")(replay)
app.command("calls")(calls)
app.command("show")(show)
app.command("reconcile")(reconcile)
app.command("gaps")(gaps)
app.command("report")(report)
app.command("watch")(watch)
app.command("doctor")(doctor)
app.command("forecast")(forecast)
app.command("migrate")(migrate)
app.command("demo")(demo)
app.command("install")(install)
app.command("restore")(restore)
app.command("retention")(retention)
figures.command("checksum")(checksum)
app.add_typer(account, name="account")
app.add_typer(announcement, name="announcement")
app.add_typer(audit, name="audit")
app.add_typer(backup, name="backup")
app.add_typer(connector, name="connector")
app.add_typer(figures, name="figures")
app.add_typer(lab, name="lab")
app.add_typer(menu, name="menu")
app.add_typer(prompts, name="prompts")
app.add_typer(recordings, name="recordings")
app.add_typer(subject, name="subject")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()

"""The commands. This package alone prints, exits and reads the clock."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from syncd import __version__
from syncd.cli.output import Said, answer_refused, complain, start_logging, told
from syncd.errors import ConfigError, LeaseError, StopProgramError, SyncdError

EXIT_DEFECT, EXIT_CONFIG, EXIT_UNREACHABLE, EXIT_LEASE = 1, 2, 5, 6
EXIT_INTERRUPTED = 130

COMMANDS = {
    "demo": "syncd.cli.demo:demo",
    "init": "syncd.cli.setup:init",
    "check": "syncd.cli.setup:check",
    "mappings": "syncd.cli.mappings:mappings",
    "provision": "syncd.cli.setup:provision",
    "plan": "syncd.cli.running:plan",
    "sync": "syncd.cli.running:sync",
    "run": "syncd.cli.running:run",
    "health": "syncd.cli.running:health",
    "explain": "syncd.cli.looking:explain",
    "links": "syncd.cli.linking:links",
    "status": "syncd.cli.standing:status",
    "runs": "syncd.cli.standing:runs",
    "rejects": "syncd.cli.standing:rejects",
    "history": "syncd.cli.taking_back:history",
    "approve": "syncd.cli.taking_back:approve",
    "undo": "syncd.cli.taking_back:undo",
    "portfolio": "syncd.cli.leading:portfolio",
    "backtest": "syncd.cli.leading:backtest",
    "verify": "syncd.cli.keeping:verify",
    "backup": "syncd.cli.keeping:backup",
    "forget": "syncd.cli.keeping:forget",
    "sandbox": "syncd.cli.sandboxes:sandbox",
}
"""Each command's place. Loaded when asked for, so that `syncd health` stays quick."""


class Commands(click.Group):
    """The commands by name, imported only when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of a newcomer's path."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        del ctx
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        import importlib

        module, _, name = place.partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a "did you mean" for a mistyped command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="syncd")
def cli() -> None:
    """Works out renewals, tiers, handoffs, health and risks from Salesforce and HubSpot, and
    writes them back as fields and tasks.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run a command and exit with the promised code.

    0 done; 2 config, mapping or arguments wrong; 3 done, but something was refused; 4 plan held;
    5 a CRM could not be reached; 6 another instance is at work; 1 a defect in syncd.
    """
    sys.exit(exit_code(args))


def exit_code(args: Sequence[str] | None = None) -> int:
    """Run a command; its exit code.

    With ``--json`` an error is a JSON document too, unless the answer has been given.
    """
    _open_closed_streams()
    # First of all, so that even a failing import shows no local variables and no secrets.
    start_logging()
    given, said = list(sys.argv[1:] if args is None else args), Said()
    try:
        result: Any = cli.main(args=given, prog_name="syncd", standalone_mode=False, obj=said)
    except click.exceptions.Exit as wish:
        return wish.exit_code
    except (BrokenPipeError, SystemExit):
        # Whoever read the answer has seen enough; click ends the program itself for that.
        return 0
    except (click.ClickException, click.Abort, KeyboardInterrupt, SyncdError) as error:
        code, text = _explained(error)
        problems = error.problems if isinstance(error, ConfigError) else ()
    except Exception as error:  # noqa: BLE001 - the last door: a defect must not show secrets
        from syncd.log import get_log

        get_log().error("defect", exc_info=True)
        code, text = EXIT_DEFECT, f"a defect in syncd: {type(error).__name__}: {error}"
        complain(text)
        problems = ()
    else:
        return int(result) if isinstance(result, int) else 0
    if "--json" in given and not said.answered:
        answer_refused(code, text, problems)
    return code


def _open_closed_streams() -> None:
    """What was closed before the start takes what is said, and shows it to nobody.

    Python has None for such a stream; and a file that is opened later, such as the state, must
    not get its number.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays


def _explained(error: BaseException) -> tuple[int, str]:
    """Say on stderr what is wrong; the exit code, and what was said."""
    if isinstance(error, click.ClickException):
        error.show()
        return EXIT_CONFIG, error.format_message()
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        code, lines = EXIT_INTERRUPTED, ["stopped"]
    elif isinstance(error, ConfigError):
        code, lines = EXIT_CONFIG, [told(problem) for problem in error.problems]
    elif isinstance(error, StopProgramError):
        code, lines = EXIT_CONFIG, [str(error)]
    else:
        code, lines = (
            EXIT_LEASE if isinstance(error, LeaseError) else EXIT_UNREACHABLE,
            [str(error)],
        )
    for line in lines:
        complain(line)
    return code, "\n".join(lines)

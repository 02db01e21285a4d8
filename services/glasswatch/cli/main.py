"""Entry point: the commands, and what becomes of errors."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from types import FrameType

import click

from glasswatch import __version__
from glasswatch.cli.messages import say
from glasswatch.core.errors import GlasswatchError

WRONG_USAGE = 2

DEBUG = "GLASSWATCH_DEBUG"
"""Environment variable: where it is set, an unexpected error shows its traceback."""


class Commands(click.Group):
    """Commands that are imported when they are needed, so that each starts quickly.

    A command stands in the module of its own name, in this package.
    """

    NAMES = (
        "aggregate",
        "channel",
        "channels",
        "cluster",
        "decode",
        "detect",
        "detectors",
        "inspect",
        "models",
        "simulate",
        "subscribe",
        "topics",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in alphabetical order."""
        return list(self.NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, None where there is none."""
        if cmd_name not in self.NAMES:
            return None
        command: click.Command = getattr(importlib.import_module(f"glasswatch.cli.{cmd_name}"), cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Watch media for audio and video defects."""


def main() -> None:
    """Run the command line; exit statuses are those of docs/cli.md."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status = cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        status = WRONG_USAGE
    except click.ClickException as error:
        say(error.format_message())
        status = WRONG_USAGE
    except GlasswatchError as error:
        say(str(error))
        status = WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        status = WRONG_USAGE
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be told.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = WRONG_USAGE
    except Exception as error:
        if DEBUG in os.environ:
            raise
        say(f"internal error, please report it: {type(error).__name__}: {error} ({DEBUG}=1 shows where)")
        status = WRONG_USAGE
    sys.exit(status or 0)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

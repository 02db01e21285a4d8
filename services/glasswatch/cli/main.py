"""Entry point: the commands, and what becomes of errors."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType

import click

from glasswatch import __version__
from glasswatch.cli.cluster import cluster
from glasswatch.cli.detectors import detectors
from glasswatch.cli.inspect import inspect
from glasswatch.cli.output import say
from glasswatch.cli.simulate import simulate
from glasswatch.cli.topics import topics
from glasswatch.core.errors import GlasswatchError

WRONG_USAGE = 2

DEBUG = "GLASSWATCH_DEBUG"
"""Environment variable: where it is set, an unexpected error shows its traceback."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Watch media for audio and video defects."""


for command in (inspect, simulate, detectors, topics, cluster):
    cli.add_command(command)


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

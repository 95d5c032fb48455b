"""The command line: one command per file, loaded when it is called.

This is the one place where errors become a line on standard error and an exit code.
"""

from __future__ import annotations

import signal
import sys
from importlib import import_module

import click

from mien import __version__
from mien.errors import MienError

_COMMANDS = {
    "analyze": "A clip, photographs or a camera in; a table of faces and expressions out.",
    "architecture": "Estimate how many layers and units a data set supports.",
    "generate": "Draw faces, of nobody, that show an expression or action units.",
    "evaluate": "Score a model on people it never saw, with intervals and baselines.",
    "reproduce": "Run the 2010 report again and set its numbers beside ours.",
    "models": "List the models that ship with mien.",
    "train": "Train a model from a recipe and data sets.",
}
_INTERRUPTED = 130  # what shells give for Ctrl-C
_INTERRUPTION = "interrupted; unfinished files were removed, finished ones kept"


class _Lazy(click.Group):
    """Knows every command's name and one line; imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's interface
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"mien.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # here, because click would print an empty line before it came to ``main``
            return _stop(_INTERRUPTION, _INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output went away (mien ... | head): nothing to say, and nobody to say it to.
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: mien analyze clip.mp4 -o clip.parquet --annotate seen.mp4",
)
@click.version_option(__version__, "--version", "-V", message="mien %(version)s")
def cli() -> None:
    """Reads facial expressions from video: who is in each frame, what each face shows, and when it changes.

    mien scores what a face shows, never what a person feels. It works offline.
    """


def main() -> None:
    """Entry point: run the command, turn errors into one line and an exit code."""
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        code = cli.main(prog_name="mien", standalone_mode=False)
    except click.exceptions.Abort:  # Ctrl-C before a command began
        code = _stop(_INTERRUPTION, _INTERRUPTED)
    except click.ClickException as error:
        code = _misused(error)
    except MienError as error:
        code = _stop(str(error), error.exit_code)
    finally:
        signal.signal(signal.SIGTERM, before)
    sys.exit(code if isinstance(code, int) else 0)


def _terminated(number: int, frame: object) -> None:  # noqa: ARG001  the interface of signal handlers
    """Leave through the ``finally`` clauses (timeout, docker stop), so that unfinished files are removed."""
    sys.exit(128 + number)


def _misused(error: click.ClickException) -> int:
    message = error.format_message()
    if "\n" in message:  # called without arguments: the help itself
        error.show()
        return 2
    context = getattr(error, "ctx", None)
    return _stop(f"{message.rstrip('.')}; see {context.command_path if context else 'mien'} --help", 2)


def _stop(message: str, code: int) -> int:
    click.echo(f"mien: {message}", err=True)
    return code

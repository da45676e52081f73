"""``llm-explorer``, or ``python -m llm_explorer``: the same numbers without a browser. Its statuses stand in cli/.

Before Ctrl-C is heard only this file and the standard library are imported.
"""

import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

# as a shell tells it of a program that the signal ended
INTERRUPTED: Final = 130  # 128 + SIGINT
BROKEN_PIPE: Final = 141  # 128 + SIGPIPE, which Python never gets and Windows has not


def main() -> NoReturn:
    """Run the command line and end with its status.

    Without the interpreter's own end, which would try once more to write what could not be written, and complain.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started it has it ignored
        signal.signal(signal.SIGINT, _end_at_once)
    _fill_closed_streams()
    logging.getLogger().addFilter(lambda record: record.exc_info is None)  # a traceback; its sentence is told anyway
    os._exit(status())


def status() -> int:
    """Do what was asked; whatever comes of it is a status, and a sentence on standard error."""
    from click import ClickException, exceptions  # only now: these imports take a quarter of a second

    from llm_explorer import cli
    from llm_explorer.cli.printing import tell

    if sys.stdout is None:
        tell("Standard output is closed: there is nowhere to print to")
        return cli.OTHER_FAILURE
    try:
        # not by calling main, which ends with 1 where a pipe is closed
        with cli.main.make_context(called(), sys.argv[1:]) as context:
            cli.main.invoke(context)
        return 0
    except SystemExit as end:
        return int(end.code or 0)
    except exceptions.Exit as end:  # after --help
        return end.exit_code
    except ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        return error.exit_code
    except BrokenPipeError:  # whoever read has heard enough, as `| head` has
        return BROKEN_PIPE
    except OSError as error:
        tell(f"{error.filename or 'Standard output'}: {error.strerror}")
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        first_line = (str(error).splitlines() or [""])[0]
        tell(f"Failed, by a fault of this program: {type(error).__name__}: {first_line}; python -X dev shows where")
    return cli.OTHER_FAILURE


def called() -> str:
    """How this program was called, for its help."""
    name = Path(sys.argv[0]).name
    return "python -m llm_explorer" if name == "__main__.py" else name


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    """End in the midst of anything; a child ends when its standard input does, so none is left."""
    signal.signal(signal.SIGINT, lambda *_: None)  # one line is enough
    with contextlib.suppress(OSError):
        os.write(2, b"Interrupted\n")
    os._exit(INTERRUPTED)


def _fill_closed_streams() -> None:
    """Open the null device for each closed standard stream: what is opened later must not get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, which is this one


if __name__ == "__main__":
    main()

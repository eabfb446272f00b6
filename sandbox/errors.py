"""What can go wrong in the sandbox.

::

    Exception
    ├── SandboxError    for the person at the terminal: the command ends with a message and an exit code
    └── RefusedError    for a client of the API: Houston answers with this message and goes on
"""

INVALID_INPUT = 2
FAILED = 1


class SandboxError(Exception):
    """A command cannot do what was asked; the text says why and, where it can, what to do.

    ``exit_code`` is 2 where what was given is wrong (a file, an argument), 1 where it could not be done (a port, a
    server).
    """

    def __init__(self, message: str, *, exit_code: int = INVALID_INPUT) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RefusedError(Exception):
    """Houston does not do what a client asked; the text is the error's message on the wire, ``code`` its extension."""

    def __init__(self, message: str, *, code: str = "BAD_USER_INPUT") -> None:
        super().__init__(message)
        self.code = code


def problems(title: str, found: list[str]) -> SandboxError:
    """Make one error of all the mistakes in one input, a line each below the title."""
    return SandboxError("\n".join([f"{title}:", *(f"  - {problem}" for problem in found)]))

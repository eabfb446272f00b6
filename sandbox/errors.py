"""Errors of the sandbox.

::

    Exception
    ├── SandboxError    for the person at the terminal: the command ends with a message and an exit code
    └── RefusedError    for a client of the API: Houston answers with this message and goes on
"""

INVALID_INPUT = 2
FAILED = 1


class SandboxError(Exception):
    """A command failed; the text says why and, if possible, what to do.

    ``exit_code`` is 2 for wrong input (a file, an argument), 1 for a failure (a port, a server).
    """

    def __init__(self, message: str, *, exit_code: int = INVALID_INPUT) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RefusedError(Exception):
    """Houston refuses a request; the text is the message of the GraphQL error, ``code`` its extension."""

    def __init__(self, message: str, *, code: str = "BAD_USER_INPUT") -> None:
        super().__init__(message)
        self.code = code


def problems(title: str, found: list[str]) -> SandboxError:
    """Combine all mistakes in one input into one error, one line each below the title."""
    return SandboxError("\n".join([f"{title}:", *(f"  - {problem}" for problem in found)]))

"""The one exception that means "the person can fix this"."""


class InputError(ValueError):
    """Wrong input from outside: one line that names the file or option, what was expected, what was found.

    The command line prints it without a traceback and exits with code 2.

    >>> import emosplat
    >>> try:
    ...     emosplat.speak("nothing.wav")
    ... except emosplat.InputError as error:
    ...     print(error)
    nothing.wav: no such audio file
    """

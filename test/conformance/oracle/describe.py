"""Turns values into the text that stands in a trace, the same for both languages."""

import asyncio

# One name for what is called differently in the two languages.
_CANONICAL = {"BaseExceptionGroup": "ExceptionGroup", "AssertionError": "RuntimeError"}


class UserError(Exception):
    """What a program itself raises."""


def describe(value):
    if isinstance(value, BaseException):
        return _error(value)
    if isinstance(value, asyncio.Task):
        return value.get_name()
    if asyncio.isfuture(value):
        return "future"
    if isinstance(value, (bytes, bytearray)):
        return "<" + value.decode().replace("\n", "|") + ">"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(describe(item) for item in value)) + "}"
    return str(value)


def _error(error):
    name = type(error).__name__
    if isinstance(error, UserError):
        return f"error {error}"
    if isinstance(error, asyncio.CancelledError):
        return f"{name}({error})" if str(error) else name
    if isinstance(error, asyncio.IncompleteReadError):
        return f"{name} {describe(error.partial)} of {describe(error.expected)}"
    if isinstance(error, asyncio.LimitOverrunError):
        return f"{name} {error.consumed}: {error}"
    if isinstance(error, BaseExceptionGroup):
        return "ExceptionGroup" + describe(error.exceptions)
    return _CANONICAL.get(name, name)

"""Where a fault of the program happened, without its text: that may hold what a caller said."""

from __future__ import annotations


def raised_at(error: BaseException) -> str:
    """Module, function and line that raised it; empty where no traceback is."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code, names = trace.tb_frame.f_code, trace.tb_frame.f_globals
    return f"{names.get('__name__', '?')}.{code.co_name}:{trace.tb_lineno}"


def leaves(error: Exception) -> list[Exception]:
    """The errors that a group of errors holds, however deep; itself where it is none."""
    if isinstance(error, ExceptionGroup):
        return [leaf for one in error.exceptions for leaf in leaves(one)]
    return [error]

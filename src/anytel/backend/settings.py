"""Settings of a backend: where each comes from, so that an error can say so."""

from __future__ import annotations

import os
from typing import NamedTuple, Self

from anytel.errors import ConfigError

__all__ = ["Setting"]


class Setting(NamedTuple):
    """A setting's name, its value, and where that came from."""

    name: str
    value: str
    origin: str = "the environment"

    @classmethod
    def read(cls, variable: str, argument: str | None = None, parameter: str = "") -> Self | None:
        """Take the *argument* that a constructor has been given as *parameter*, or else an environment *variable*.

        None where there is neither; a variable with nothing but white space is not set. The name is the variable's in
        both cases.
        """
        if argument is not None:
            return cls(variable, argument, f"the argument {parameter}")
        value = os.environ.get(variable, "").strip()
        return cls(variable, value) if value else None

    def error(self, problem: str, fix: str, *, secret: bool = False) -> ConfigError:
        """Make the error that tells the user what is wrong and what to do; a *secret* value is not shown."""
        return ConfigError(self.name, "***" if secret else self.value, self.origin, problem, fix)

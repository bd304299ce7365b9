"""What every piece of a construct is: data that cannot be changed, each number with its kind."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["published", "fitted", "assumed"]


class Part(BaseModel):
    """A piece of data that cannot be changed and takes no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

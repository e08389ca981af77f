"""Settings of an SQL connection."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

_STRICT = ConfigDict(extra="forbid", frozen=True)


class TableSettings(BaseModel):
    """``[connections.<name>.objects.<object>]``: what is special about one object."""

    model_config = _STRICT

    query: str = Field(
        "", description="a SELECT that stands for the object; empty: a table or view"
    )
    id: tuple[str, ...] = Field(
        (),
        description="the columns that tell one row from another; empty: the primary key, else id",
    )
    modified: str = Field("", description="the column that tells when a row was last changed")


class SqlSettings(BaseModel):
    """Settings of a connection to a database."""

    model_config = _STRICT

    url: SecretStr = Field(description="SQLAlchemy's address, such as postgresql+psycopg://…")
    lag_seconds: int = Field(
        300,
        ge=0,
        le=86_400,
        description="read again, as rows are stamped before they are committed",
    )
    objects: dict[str, TableSettings] = Field(
        {}, description="what is special about single objects"
    )

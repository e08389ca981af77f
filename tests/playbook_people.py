"""An account and its people, and how a task is kept, for the tests of playbooks."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec.structs import replace

from syncd.model import Account, Ref, User
from syncd.playbooks import DesiredTask, compile_playbooks
from syncd.policy import Policy

TODAY = date(2026, 5, 11)

PLAYBOOKS = compile_playbooks(Policy())


def account_with(**more: Any) -> Account:
    return Account(**{"ref": Ref("crm", "Account", "acme"), "id": "acme", "owner": "am", **more})


def user_with(id: str, **more: Any) -> User:
    return User(ref=Ref("crm", "User", id), id=id, **more)


USERS = {"am": user_with("am", name="Ada", manager="boss"), "boss": user_with("boss")}


def kept(task: DesiredTask, *, due_moves: bool | None = None) -> DesiredTask:
    """The task without a due date that was counted from today: an open one keeps its own."""
    moves = task.due_moves if due_moves is None else due_moves
    return replace(task, due=task.due if moves else date.max, due_moves=moves)

"""`wangge user`: accounts and tokens."""

import datetime as dt
import json
from typing import Annotated

import typer

from api.cli.connection import Embedded, transaction
from api.cli.console import console
from api.dependencies import now
from layers import accounts

app = typer.Typer(
    no_args_is_help=True,
    help="Make accounts, tokens and passwords. 账号、令牌与口令。\n\n"
    "Roles: viewer, worker, dispatcher, planner, editor, reviewer, administrator.",
)

Name = Annotated[str, typer.Argument(help="Account name.")]
Password = Annotated[
    str,
    typer.Option(
        prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for when not given.",
        envvar="WANGGE_PASSWORD",
    ),
]  # fmt: skip


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="What the account may do.")],
    password: Password,
    area: Annotated[list[str] | None, typer.Option(help="Code that limits the account; repeatable.")] = None,
    embedded: Embedded = False,
) -> None:
    """Add an account.

    Example: wangge user add zhang --role dispatcher --area 510899001
    """
    with transaction(embedded=embedded) as session:
        accounts.create(session, name, password, role, areas=area or (), now=now())
    console.print(f"account {name} added", markup=False)


@app.command("list")
def list_accounts(embedded: Embedded = False) -> None:
    """Print every account as a line of JSON."""
    with transaction(embedded=embedded) as session:
        for account in accounts.every(session):
            row = {
                "name": account.name,
                "role": account.role,
                "areas": account.areas,
                "active": account.active,
            }
            typer.echo(json.dumps(row, ensure_ascii=False))


@app.command()
def token(
    name: Name,
    label: Annotated[str, typer.Option(help="What the token is for.")] = "",
    days: Annotated[
        int | None, typer.Option(min=1, help="Days until it expires; for ever if not given.")
    ] = None,
    embedded: Embedded = False,
) -> None:
    """Print a new bearer token; it is not stored and cannot be shown again.

    Example: curl -H "Authorization: Bearer $(wangge user token zhang)" http://127.0.0.1:8000/api/incidents
    """
    expires = now() + dt.timedelta(days=days) if days else None
    with transaction(embedded=embedded) as session:
        secret = accounts.issue_token(session, name, label, now=now(), expires_at=expires)
    typer.echo(secret)


@app.command()
def password(name: Name, password: Password, embedded: Embedded = False) -> None:
    """Set a password; the account's tokens and sessions end."""
    with transaction(embedded=embedded) as session:
        accounts.set_password(session, name, password)
    console.print(f"password of {name} changed; its tokens and sessions ended", markup=False)


@app.command()
def disable(name: Name, embedded: Embedded = False) -> None:
    """Bar an account from signing in."""
    with transaction(embedded=embedded) as session:
        accounts.deactivate(session, name)
    console.print(f"account {name} disabled", markup=False)

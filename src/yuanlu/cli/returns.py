"""`yuanlu return …`: give money back by decision. One person proposes, another approves; the gateway carries it out."""

from typing import Annotated

import typer

from yuanlu.cli.options import CONFIG, ConfigOption, settings_of

return_app = typer.Typer(no_args_is_help=True, help="Give money back by decision: propose, approve, close. Two people.")

ByOption = Annotated[
    str, typer.Option("--as", metavar="NAME", envvar="YUANLU_USER", help="Who acts. Maker and checker are two people.")
]
OrderArgument = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id, as propose and list show it.")]


@return_app.command()
def propose(
    transaction: Annotated[str, typer.Argument(help="Its id, reference number (RRN) or TERMINAL+STAN.")],
    reason: Annotated[str, typer.Option(help="Why money is to be given back; kept with the order.")],
    by: ByOption,
    amount: Annotated[str, typer.Option(help="Such as 12.50; by default all that is left.")] = "",
    kind: Annotated[
        str,
        typer.Option(help="void, refund, adjustment, repayment or compensation; by default the policy chooses."),
    ] = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Propose to give back a payment, or part of it. Nothing moves before a second person approves."""
    from yuanlu.kernel.clock import local_time  # noqa: PLC0415
    from yuanlu.people import ordering  # noqa: PLC0415

    settings = settings_of(config)
    order = ordering.propose(settings, transaction, reason=reason, by=by, amount=amount, kind=kind)
    typer.echo(f"{order.order_id}  {order.kind}  {order.amount}  {order.explanation}")
    until = f"{local_time(order.expires_at_us):%Y-%m-%d %H:%M}"
    typer.echo(f"waits for a second person until {until}: yuanlu return approve {order.order_id} --as NAME")


@return_app.command()
def approve(order: OrderArgument, by: ByOption, config: ConfigOption = CONFIG) -> None:
    """Approve a proposal, as the second person; the gateway gives the money back at once."""
    from yuanlu.people.ordering import act  # noqa: PLC0415
    from yuanlu.returns.proposing import approved  # noqa: PLC0415

    done = act(settings_of(config), order, by, approved)
    typer.echo(f"{order}  {done.kind} of {done.amount} approved")


@return_app.command()
def refuse(
    order: OrderArgument,
    by: ByOption,
    why: Annotated[str, typer.Option("--why", help="Kept with the order.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Refuse a proposal; nothing moves."""
    from yuanlu.people.ordering import act  # noqa: PLC0415
    from yuanlu.returns.proposing import refused  # noqa: PLC0415

    settings = settings_of(config)
    act(settings, order, by, lambda found, link, who, now: refused(found, link, who, why, now))
    typer.echo(f"{order}  refused")


@return_app.command()
def close(
    order: OrderArgument,
    by: ByOption,
    reference: Annotated[str, typer.Option(help="The bank's or the clearing file's reference of the payment.")] = "",
    failed: Annotated[str, typer.Option(help="Why it could not be paid; then nothing was given back.")] = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Close an order that people carry out: paid under a reference, or failed."""
    from yuanlu.people.ordering import act  # noqa: PLC0415
    from yuanlu.returns import proposing  # noqa: PLC0415

    if bool(reference) == bool(failed):
        raise proposing.OrderError("give one of --reference and --failed")
    settings = settings_of(config)
    if failed:
        act(settings, order, by, lambda found, link, who, now: proposing.failed(found, link, failed, who, now))
    else:
        act(
            settings, order, by,
            lambda found, link, who, now: proposing.settled_by_hand(found, link, reference, who, now),
        )  # fmt: skip
    typer.echo(f"{order}  {'failed' if failed else 'paid'}")


@return_app.command("list")
def list_(
    transaction: Annotated[str, typer.Argument(help="Only this one's; by default all that are open.")] = "",
    config: ConfigOption = CONFIG,
    lang: Annotated[str, typer.Option("--lang", metavar="zh|en", help="Language of the words.")] = "",
) -> None:
    """Show orders: open ones, oldest first, or all of one transaction."""
    from yuanlu.cli.ordering import listed  # noqa: PLC0415

    typer.echo(listed(settings_of(config), transaction, lang))

"""The people of the demo: one account for each role, so that every page can be seen by whom it is for."""

from yuanlu.access.roles import Role
from yuanlu.cases.people import Actor
from yuanlu.people.staff import NewStaff, created
from yuanlu.sandbox.demo_plan import DemoPlan, till_places
from yuanlu.settings import read_settings

PASSWORD = "yuanlu-demo-2026"  # noqa: S105 - printed by the demo, for the demo
BY = Actor(name="demo", via="demo")


def staff_of_the_demo() -> list[NewStaff]:
    """One of each role; two in finance, since money needs two people."""
    first_shop = till_places()[0].merchant_id
    return [
        NewStaff(name="cashier", roles=(Role.CASHIER,), password=PASSWORD, merchant_id=first_shop),
        NewStaff(name="finance", roles=(Role.FINANCE,), password=PASSWORD),
        NewStaff(name="checker", roles=(Role.FINANCE,), password=PASSWORD, checker=True),
        NewStaff(name="support", roles=(Role.SUPPORT,), password=PASSWORD),
        NewStaff(name="risk", roles=(Role.RISK,), password=PASSWORD),
        NewStaff(name="compliance", roles=(Role.COMPLIANCE,), password=PASSWORD),
        NewStaff(name="admin", roles=(Role.ADMINISTRATOR,), password=PASSWORD),
    ]


def welcome(plan: DemoPlan) -> str:
    """Make the accounts; where the console is, and who can sign in."""
    settings = read_settings(plan.config, {})
    names = [created(settings, each, BY).name for each in staff_of_the_demo()]
    return (
        f"Console: http://127.0.0.1:{plan.console_port}\n"
        f"Accounts: {', '.join(names)}; the password of each is {PASSWORD}\n"
    )

"""A case's evidence pack to save: the form on the case's page that makes it."""

from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.console.asked import Asked
from yuanlu.console.exporting import download
from yuanlu.console.routing import Page
from yuanlu.console.seeing import own_case
from yuanlu.db.errors import StoreError
from yuanlu.evidence.document import TypesettingFailed
from yuanlu.evidence.exporting import exported
from yuanlu.people.refusals import refusal
from yuanlu.people.words import CHINESE, ENGLISH


async def export(asked: Asked) -> Response:
    """The PDF, in Chinese unless English is asked for, whatever the page's language. A POST, because it is recorded."""
    case_id = asked.request.path_params["case_id"]
    await asked.read(lambda c: own_case(asked, c, case_id))
    language = ENGLISH if asked.given("lang") == ENGLISH else CHINESE
    try:
        done = await asked.act(exported, asked.actor, case_id, language)
    except TypesettingFailed:
        said = asked.say("The evidence pack could not be made, and nothing was recorded. Tell support.")
        raise TypesettingFailed(said) from None
    except StoreError as error:
        raise StoreError(refusal(str(error), asked.language)) from None
    return download(done.pdf, done.name, "application/pdf")


PAGES = (Page(path="/cases/{case_id}/evidence", right=Right.EXPORT, show=export, method="POST"),)

"""
The token in a form, by which the service knows that its own page sent it.

A page of another site cannot read the token, so it cannot send the form for the user of a browser. The token is a code under the log's key
over the caller and the day; it is accepted until the end of the next day. Source: OWASP, Cross-Site Request Forgery Prevention, on HMAC
based tokens.
"""

import hmac
from datetime import datetime, timedelta

from service.problems import RequestRefused
from service.service import Service

_DOMAIN = b"fifthfactor/form-token/1\x00"


def token(service: Service, caller: str) -> str:
    """The token of today for a caller, as 64 hexadecimal digits."""
    return _of(service, caller, service.clock())


def check(service: Service, caller: str, sent: str) -> None:
    """Raises RequestRefused if a token was not made for the caller, or is older than yesterday."""
    now = service.clock()
    good = [hmac.compare_digest(_of(service, caller, day).encode(), sent.encode()) for day in (now, now - timedelta(days=1))]
    if not any(good):
        raise RequestRefused("forbidden", "this form is too old, or comes from a page of another site: open the page again")


def _of(service: Service, caller: str, moment: datetime) -> str:
    message = f"{moment.date().isoformat()}\x00{caller}".encode()
    return service.store.database.log_key().seal(_DOMAIN + message).hex()

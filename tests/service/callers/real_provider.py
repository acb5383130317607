"""
A real provider of OpenID Connect for the tests: Django OAuth Toolkit in a process of its own.

It is an implementation that organisations run, over oauthlib and jwcrypto, and shares no code with the client that is tested. It signs by
RS256, demands PKCE, and names itself in its answers (RFC 9207). Persons log in by Django's own form and consent on its page. One client is
registered, with a secret, for the ports given. `python -m tests.service.callers.real_provider PORT …` serves until its standard input
ends; the first line that it prints is the issuer.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLIENT, SECRET, PASSWORD = "fifthfactor", "s3cret/with+signs", "correct horse"
# Who may log in: the name to log in with, the name to show, and the roles.
PERSONS = {
    "lin": ("Lin Yue", ["fifthfactor:read", "desk"]),
    "omar": ("Omar Said", ["fifthfactor:read"]),
    "nobody": ("Ida Ohne", ["another-application:read"]),
}
_LOGIN = (
    "<form method=post>{% csrf_token %}{{ form }}<input type=hidden name=next value='{{ next }}'><button>Log in</button></form>"
)


@dataclass(frozen=True)
class RealProvider:
    """The issuer, for the settings of a service."""

    issuer: str

    @property
    def settings(self) -> dict[str, str]:
        """The settings with which a service signs in by it."""
        return {
            "oidc_issuer": self.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
            "oidc_roles": "desk=review",
        }


@contextmanager
def real_provider(*ports: int) -> Iterator[RealProvider]:
    """A provider whose client may come back to these ports of this machine; it is gone afterwards."""
    command = [sys.executable, "-m", "tests.service.callers.real_provider", *map(str, ports)]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, text=True)
    try:
        assert process.stdout
        yield RealProvider(process.stdout.readline().strip())
    finally:
        process.communicate()


def serve(ports: list[int]) -> None:
    """Serve until the standard input ends."""
    import threading
    from socketserver import ThreadingMixIn
    from tempfile import TemporaryDirectory
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with TemporaryDirectory() as folder, Server(("127.0.0.1", 0), Quiet) as server:
        issuer = f"http://127.0.0.1:{server.server_port}/o"
        server.set_app(_application(issuer, ports, Path(folder)))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        print(issuer, flush=True)
        sys.stdin.read()
        server.shutdown()


def _application(issuer: str, ports: list[int], folder: Path) -> Any:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "provider.db"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "context_processors": ["django.template.context_processors.request"],
                    "loaders": [
                        ("django.template.loaders.locmem.Loader", {"registration/login.html": _LOGIN}),
                        "django.template.loaders.app_directories.Loader",
                    ],
                },
            }
        ],
        LOGIN_URL="/login/",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # a test waits for each
        USE_TZ=True,
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": issuer,
            "OIDC_RSA_PRIVATE_KEY": pem.decode(),
            "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
            "OAUTH2_VALIDATOR_CLASS": _validator,
            "SCOPES": {"openid": "who you are", "profile": "your name and roles"},
            "PKCE_REQUIRED": True,
            "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
            "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
        },
    )
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    for name, (shown, _) in PERSONS.items():
        User.objects.create_user(name, password=PASSWORD, first_name=shown)
    Application.objects.create(
        client_id=CLIENT,
        client_secret=SECRET,
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris=" ".join(f"http://127.0.0.1:{port}/sign-in/return" for port in ports),
        post_logout_redirect_uris=" ".join(f"http://127.0.0.1:{port}/sign-in" for port in ports),
        algorithm="RS256",
        name="Fifth Factor",
    )
    return get_wsgi_application()


def __getattr__(name: str) -> object:
    """What Django asks this module for once it is set up."""
    if name == "urlpatterns":
        from django.contrib.auth.views import LoginView
        from django.urls import include, path

        return [
            path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
            path("login/", LoginView.as_view()),
        ]
    if name == "Validator":
        from oauth2_provider.oauth2_validators import OAuth2Validator

        class Validator(OAuth2Validator):  # type: ignore[misc]
            """What the provider says of a person."""

            oidc_claim_scope = None

            def get_additional_claims(self, request):
                shown, roles = PERSONS[request.user.username]
                return {"name": shown, "roles": roles}

        return Validator
    raise AttributeError(name)


_validator = f"{__name__}.Validator"


if __name__ == "__main__":
    from importlib import import_module

    # Under its own name, by which Django imports it.
    import_module("tests.service.callers.real_provider").serve([int(each) for each in sys.argv[1:]])

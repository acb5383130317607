"""The settings, and what each wrong one says."""

import pytest
import sqlalchemy as sa

from service.settings import SettingRefused, Settings
from service.settings.setting_values import is_loopback
from service.settings.settings_sources import settings_from
from service.store.writer import QUEUE_LIMIT


def test_nothing_needs_to_be_set():
    """Every setting has a default."""
    assert settings_from({}).host == "127.0.0.1"


def test_an_option_wins_over_the_environment():
    """What is given on the command line is meant; an option that is not given leaves the environment's."""
    environment = {"FIFTHFACTOR_PORT": "9000", "FIFTHFACTOR_MODE": "durable", "PATH": "/bin"}
    settings = settings_from(environment, port=9001, mode=None)
    assert (settings.port, settings.mode) == (9001, "durable")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("FIFTHFACTOR_PORT", "seventy", "`FIFTHFACTOR_PORT` cannot be `seventy`"),
        ("FIFTHFACTOR_PORT", "70000", "less than or equal to 65535"),
        ("FIFTHFACTOR_HOST", "0.0.0.0", "to listen on 0.0.0.0, set FIFTHFACTOR_HOSTS"),
        ("FIFTHFACTOR_HOST", "example.org", "give an address"),
        ("FIFTHFACTOR_HOST", "::", "to listen on ::, set FIFTHFACTOR_HOSTS"),
        ("FIFTHFACTOR_HOSTS", "a.example:80", "without a port"),
        ("FIFTHFACTOR_HOSTS", "http://a.example", "names as in a Host header"),
        ("FIFTHFACTOR_HOSTS", "*", "names as in a Host header"),
        ("FIFTHFACTOR_AUTHENTICATION", "none", "should be 'auto' or 'required'"),
        ("FIFTHFACTOR_JWKS_URL", "http://issuer.example/keys", "give an https:// address"),
        ("FIFTHFACTOR_JWKS_URL", "file:///etc/passwd", "give an https:// address"),
        ("FIFTHFACTOR_JWKS_URL", "https://issuer.example/keys", "set all three of"),
        ("FIFTHFACTOR_JWT_ISSUER", "https://issuer.example", "set all three of"),
        ("FIFTHFACTOR_RATE_LIMIT", "-1", "greater than or equal to 0"),
        ("FIFTHFACTOR_RATE_LIMIT", "nan", "cannot be `nan`"),
        ("FIFTHFACTOR_RATE_BURST", "0", "greater than or equal to 1"),
        ("FIFTHFACTOR_ZONE", "Mars/Olympus", "name a time zone"),
        ("FIFTHFACTOR_ZONE", "../etc/passwd", "name a time zone"),
        ("FIFTHFACTOR_ZONE", "", "name a time zone"),
        ("FIFTHFACTOR_BODY_LIMIT", "12", "greater than or equal to 1024"),
        ("FIFTHFACTOR_BATCH_LIMIT", "0", "greater than or equal to 1"),
        ("FIFTHFACTOR_BATCH_LIMIT", "1001", "less than or equal to 1000"),
        ("FIFTHFACTOR_BATCH_BODY_LIMIT", "16777217", "less than or equal to 16777216"),
        ("FIFTHFACTOR_TRUST", "unsure", "cannot be `unsure`: should be 'confirmed' or 'from-memory'"),
        ("FIFTHFACTOR_NORMS", "ignore", "cannot be `ignore`: should be 'bind' or 'advise'"),
        ("FIFTHFACTOR_NORM", "bind", "did you mean `FIFTHFACTOR_NORMS`?"),
        ("FIFTHFACTOR_DATABASE", "", "name a file"),
        ("FIFTHFACTOR_POLICIES", "", "name a folder or a bundle file, or leave it unset"),
        ("FIFTHFACTOR_DATABSE", "x.db", "did you mean `FIFTHFACTOR_DATABASE`?"),
        ("FIFTHFACTOR_bundle_keys", "key", "did you mean `FIFTHFACTOR_BUNDLE_KEYS`?"),
        ("fifthfactor_bundle_keys", "key", "did you mean `FIFTHFACTOR_BUNDLE_KEYS`?"),
        ("FIFTH_FACTOR_BUNDLE_KEYS", "key", "did you mean `FIFTHFACTOR_BUNDLE_KEYS`?"),
        ("FIFTFACTOR_BUNDLE_KEYS", "key", "did you mean `FIFTHFACTOR_BUNDLE_KEYS`?"),
        ("FIFTHFACTORAUTHENTICATION", "required", "did you mean `FIFTHFACTOR_AUTHENTICATION`?"),
        ("FIFTHFACTOR_BUNDLE_KEYS", "", "name a file with a public key, or leave it unset"),
        ("FIFTHFACTOR_BUNDLE_KEYS", ":", "name a file with a public key, or leave it unset"),
        ("FIFTHFACTOR_SETTINGS", "", "`FIFTHFACTOR_SETTINGS` names no file"),
        ("FIFTHFACTOR_LEDGER_SINCE", "0", "give a day like 2026-01-31, or `never`"),
        ("FIFTHFACTOR_LEDGER_SINCE", "1704067200", "give a day like 2026-01-31, or `never`"),
        ("FIFTHFACTOR_LEDGER_SINCE", "2026-02-30", "FIFTHFACTOR_LEDGER_SINCE"),
    ],
)
def test_a_wrong_setting_is_one_sentence(variable, value, sentence):
    """The sentence names the setting as it is spelled where it came from, and says what would be right."""
    with pytest.raises(SettingRefused) as refused:
        settings_from({variable: value})
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_variables_of_others_are_left_alone():
    """Another program's, and what Kubernetes says of a service that is named like this one."""
    others = {
        "FACTOR_MODE": "x",
        "FIFTH": "x",
        "MODE": "x",
        "FIFTH_FACTOR_PORT": "tcp://10.0.0.7:80",
        "FIFTH_FACTOR_SERVICE_HOST": "x",
    }
    assert settings_from(others) == settings_from({})


def test_a_wrong_option_is_named_as_an_option():
    """`--host`, not the variable, where it was given on the command line."""
    with pytest.raises(SettingRefused, match=r"`--host` cannot be `10\.0\.1`"):
        settings_from({}, host="10.0.1")


def test_off_loopback_a_key_is_required_and_names_are_given():
    """Names are compared without case, an address of version 6 without its brackets."""
    settings = settings_from({"FIFTHFACTOR_HOSTS": "A.example, [fe80::1]"}, host="10.0.0.1")
    assert settings.key_required
    assert settings.host_names == {"a.example", "fe80::1"}
    assert not Settings().key_required
    assert Settings(authentication="required").key_required


def test_a_full_batch_fits_beside_others():
    """What may be sent at once can be recorded at once, though as many records again wait."""
    assert 2 * settings_from({"FIFTHFACTOR_BATCH_LIMIT": "1000"}).batch_limit <= QUEUE_LIMIT


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1", "localhost", "LOCALHOST"])
def test_this_machine(host):
    """All of 127.0.0.0/8, ::1 and the name."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "128.0.0.1", "::", "::ffff:127.0.0.1", "localhost.example.org", "127.1", "0"])
def test_not_this_machine(host):
    """Everything else, spelled cleverly or not."""
    assert not is_loopback(host)


# --- a file ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    """Writes a file of settings; its path."""

    def write(content: str | bytes) -> str:
        path = tmp_path / "settings.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def test_options_win_over_the_environment_and_it_over_the_file(file):
    """Each setting comes from the first that has it."""
    path = file('port = 9000\nmode = "durable"\nzone = "Asia/Shanghai"\ndrain_seconds = 2.5\n')
    environment = {
        "FIFTHFACTOR_SETTINGS": path,
        "FIFTHFACTOR_PORT": "9001",
        "FIFTHFACTOR_MODE": "reference",
        "FIFTHFACTOR_KEY": "k",
    }
    settings = settings_from(environment, port=9002, mode=None, settings=None)
    assert (settings.port, settings.mode, settings.zone, settings.drain_seconds) == (9002, "reference", "Asia/Shanghai", 2.5)


def test_the_option_names_another_file(file, tmp_path):
    """It wins over the variable."""
    other = tmp_path / "other.toml"
    other.write_text("port = 1\n")
    settings = settings_from({"FIFTHFACTOR_SETTINGS": file("port = 2\n")}, settings=other)
    assert settings.port == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("prot = 1", "`prot` in `{file}` is not a setting; did you mean `port`?"),
        ("PORT = 1", "`PORT` in `{file}` is not a setting"),
        ("settings = 'x'", "`settings` in `{file}` is not a setting"),
        ("port = 70000", "`port` in `{file}` cannot be `70000`: should be less than or equal to 65535"),
        ("[port]\nx = 1", "`port` in `{file}` cannot be"),
        ("port = 1\nport = 2\n", "the settings `{file}` are not TOML: see line 2, column 9"),
        ("database = 'x", "the settings `{file}` are not TOML: see end of document"),
        (b"zone = '\xff'", "the settings `{file}` are not UTF-8"),
        ("#" * 70_000, "have more than 65536 bytes"),
        ("host = 'example.org'", "cannot be `example.org`: give an address"),
    ],
)
def test_a_wrong_file_is_one_sentence(file, content, sentence):
    """It names the file, and the setting as it is spelled there."""
    path = file(content)
    with pytest.raises(SettingRefused) as refused:
        settings_from({"FIFTHFACTOR_SETTINGS": path})
    assert sentence.replace("{file}", path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path):
    """Is said, by the name that was given."""
    with pytest.raises(SettingRefused, match=r"nowhere\.toml` cannot be read: No such file or directory"):
        settings_from({}, settings=tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    "content",
    [
        "database = 'postgresql://me:hunter2@'\nport = 'x'",
        "database = 'mysql://me:hunter2@x/y\n",
        'database = "x://:hunter2@\\u0000"',
        'database = {url = "postgresql", password = "hunter2"}',
    ],
)
def test_no_sentence_says_a_password(file, content):
    """Whatever is wrong with the file."""
    with pytest.raises(SettingRefused) as refused:
        settings_from({}, settings=file(content))
    assert "hunter2" not in str(refused.value)


def test_the_password_of_the_database_may_be_in_a_file(tmp_path):
    """It is put into the address, whatever its characters. A database in a file needs none."""
    file = tmp_path / "password"
    file.write_text("p@ss/w:rd\n", "utf-8")
    environment = {"FIFTHFACTOR_DATABASE": "postgresql://ff@db.example/ff", "FIFTHFACTOR_DATABASE_PASSWORD_FILE": str(file)}
    address = sa.make_url(settings_from(environment).database)
    assert (address.username, address.password, address.host, address.database) == ("ff", "p@ss/w:rd", "db.example", "ff")
    assert settings_from(environment, database="own.db").database == "own.db"


@pytest.mark.parametrize(
    ("address", "content", "sentence"),
    [
        ("postgresql://ff:other@db.example/ff", "s3cret", "name in the database's address a user and no password"),
        ("postgresql://db.example/ff", "s3cret", "name in the database's address a user and no password"),
        ("postgresql://ff@db.example/ff", "s3cret\nmore", "must hold one line"),
        ("postgresql://ff@db.example/ff", None, "cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_password_file_is_one_sentence(tmp_path, address, content, sentence):
    """It says what to do, and never the password."""
    file = tmp_path / "password"
    if content:
        file.write_text(content, "utf-8")
    with pytest.raises(SettingRefused, match=sentence) as refused:
        settings_from({"FIFTHFACTOR_DATABASE": address, "FIFTHFACTOR_DATABASE_PASSWORD_FILE": str(file)})
    assert "s3cret" not in str(refused.value)
    assert "other" not in str(refused.value)
    assert "\n" not in str(refused.value)

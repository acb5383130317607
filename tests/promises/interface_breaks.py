"""What a later interface takes away from an earlier one: two documents of `interface` in, sentences out."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.promises.schema_breaks import SchemaBreaks

Document = Mapping[str, Any]


def interface_breaks(was: Document, now: Document) -> list[str]:
    """What a program that was written for the first does not find, or not as it was, in the second."""
    return [
        *_operation_breaks(was, now),
        *_changed("way to send a key", "was", was["keys"], now["keys"]),
        *_gone("way to send a key", was["keys"], now["keys"]),
        *_changed("name of", "was", was["names"], now["names"]),
        *_gone("kind of event", was["events"], now["events"]),
        *_gone("problem", was["problems"], now["problems"]),
        *_changed("problem", "its status was", was["problems"], now["problems"]),
        *_schema_breaks("record", was["record"], now["record"]),
        *_gone("kind of leaf", was["leaves"], now["leaves"]),
        *_gone("shape", was["shapes"], now["shapes"]),
        *_gone("metric", was["metrics"], now["metrics"]),
        *_label_breaks(was["metrics"], now["metrics"]),
        *_setting_breaks(was["settings"], now["settings"]),
        *_client_breaks(was["client"], now["client"]),
        *_command_breaks(was["commands"], now["commands"]),
        *_changed("exit code", "was", was["exit codes"], now["exit codes"]),
        *_printed_breaks(was["printed"], now["printed"]),
        *_language_breaks(was["language"], now["language"]),
        *_distribution_breaks(was["distributions"], now["distributions"]),
    ]


def _gone(what: str, was: Any, now: Any) -> Iterator[str]:
    return (f"{what} {each}: is gone" for each in was if each not in now)


def _changed(what: str, was_word: str, was: Document, now: Document) -> Iterator[str]:
    return (f"{what} {each}: {was_word} {value}" for each, value in was.items() if now.get(each, value) != value)


def _operation_breaks(was: Document, now: Document) -> Iterator[str]:
    schemas = SchemaBreaks(was["schemas"], now["schemas"])
    yield from _gone("operation", was["operations"], now["operations"])
    yield from schemas.between(was["schemas"]["Problem"], now["schemas"]["Problem"], "problem", "received")
    for name, older in was["operations"].items():
        if (newer := now["operations"].get(name)) is None:
            continue
        if older["address"] != newer["address"]:
            yield f"operation {name}: its address was {older['address']}"
        yield from _gone(f"{name}: parameter", older["parameters"], newer["parameters"])
        for parameter, said in newer["parameters"].items():
            before = older["parameters"].get(parameter)
            if said["required"] and not (before and before["required"]):
                yield f"{name}: parameter {parameter}: has become required"
            if before:
                yield from schemas.between(before["schema"], said["schema"], f"{name}: {parameter}", "sent")
        if newer["body"]["required"] and not older["body"]["required"]:
            yield f"{name}: a body has become required"
        for media, schema in older["body"]["content"].items():
            if media not in newer["body"]["content"]:
                yield f"{name}: a body of {media} is no longer taken"
            else:
                yield from schemas.between(schema, newer["body"]["content"][media], f"{name}: body", "sent")
        for status, contents in older["answers"].items():
            if status not in newer["answers"]:
                yield f"{name}: the status {status} is gone"
                continue
            for media, schema in contents.items():
                if media not in newer["answers"][status]:
                    yield f"{name}: an answer in {media} is gone"
                else:
                    yield from schemas.between(schema, newer["answers"][status][media], f"{name}: {status}", "received")
        for status, media_types in older["refusals"].items():
            yield from _gone(f"{name}: {status} in", media_types, newer["refusals"].get(status, media_types))
        for status, headers in older["headers"].items():
            yield from _gone(f"{name}: {status}: header", headers, newer["headers"].get(status, headers))
        yield from (f"{name}: wants the scope {each}" for each in newer["scopes"] if each not in older["scopes"])
        yield from (
            f"{name}: the status {each} is new among successes" for each in newer["answers"] if each not in older["answers"]
        )


def _label_breaks(was: Document, now: Document) -> Iterator[str]:
    for name in was.keys() & now.keys():
        yield from _gone(f"metric {name}: label", was[name], now[name])


def _language_breaks(was: Document, now: Document) -> Iterator[str]:
    if was["semantics"] != now["semantics"]:
        yield f"policies: decided under the semantics {was['semantics']}, decide under {now['semantics']}"
    yield from _gone("kind of file", was["files"], now["files"])
    for kind in was["files"].keys() & now["files"].keys():
        older, newer = was["files"][kind], now["files"][kind]
        yield from SchemaBreaks(older.get("$defs", {}), newer.get("$defs", {})).between(older, newer, kind, "sent")
    yield from _gone("operator", was["operators"], now["operators"])


def _schema_breaks(what: str, was: Document, now: Document) -> Iterator[str]:
    yield from SchemaBreaks(was.get("$defs", {}), now.get("$defs", {})).between(was, now, what, "received")


def _printed_breaks(was: Document, now: Document) -> Iterator[str]:
    yield from _gone("what is printed by", was, now)
    for command in was.keys() & now.keys():
        yield from _schema_breaks(f"printed by {command}", was[command], now[command])
        if was[command].get("ends with") != now[command].get("ends with"):
            yield f"{command}: ended with {was[command]['ends with']}, ends with {now[command]['ends with']}"


def _distribution_breaks(was: Document, now: Document) -> Iterator[str]:
    for folder, older in was.items():
        newer = now[folder]
        if older["name"] != newer["name"]:
            yield f"distribution {older['name']}: is called {newer['name']}"
        for what in ("extras", "programs"):
            yield from _gone(f"distribution {older['name']}: {what}", older[what], newer[what])


def _setting_breaks(was: Document, now: Document) -> Iterator[str]:
    older, newer = was["schema"], now["schema"]
    yield from SchemaBreaks(older.get("$defs", {}), newer.get("$defs", {})).between(older, newer, "settings", "sent")
    for name, value in was["values"].items():
        if now["values"].get(name, value) != value:
            yield f"settings/{name}: was {value} if it was not set, is {now['values'][name]}"


def _client_breaks(was: Document, now: Document) -> Iterator[str]:
    yield from _gone("client's name", was, now)
    for name in was.keys() & now.keys():
        older, newer = was[name], now[name]
        yield from _gone(f"client's {name}: field", older.get("fields", ()), newer.get("fields", ()))
        yield from _gone(f"client's {name}: method", older.get("methods", ()), newer.get("methods", ()))
        yield from _gone(
            f"client's {name}: property", older.get("properties", ()), newer.get("properties", newer.get("fields", ()))
        )
        yield from _gone(f"client's {name}: is no longer a", older.get("bases", ()), newer.get("bases", ()))
        for what in ("fields", "returns"):
            yield from _type_breaks(f"client's {name}", older.get(what, {}), newer.get(what, {}))
        for method, parameters in older.get("methods", {}).items():
            if method not in newer.get("methods", {}):
                continue
            later = newer["methods"][method]
            at = f"client's {name}.{method}"
            yield from _gone(f"{at}: parameter", parameters, later)
            for parameter, said in later.items():
                before = parameters.get(parameter)
                if said["required"] and not (before and before["required"]):
                    yield f"{at}: parameter {parameter}: has become required"
                if before and not before["required"] and before["default"] != said["default"]:
                    yield f"{at}: parameter {parameter}: was {before['default']} if it was left out, is {said['default']}"
                if before and before["kind"] != said["kind"]:
                    yield f"{at}: parameter {parameter}: was {before['kind']}, is {said['kind']}"
            placed = [each for each, said in parameters.items() if said["kind"] != "KEYWORD_ONLY"]
            if [each for each in later if later[each]["kind"] != "KEYWORD_ONLY"][: len(placed)] != placed:
                yield f"{at}: the places of its parameters are others"


def _type_breaks(what: str, was: Document, now: Document) -> Iterator[str]:
    """A type that a program is given may become one of those that it was."""
    for name in was.keys() & now.keys():
        if was[name] != now[name] and not set(now[name].split(" | ")) <= set(was[name].split(" | ")):
            yield f"{what}: {name or 'it'} gave {was[name]}, gives {now[name]}"


def _command_breaks(was: Document, now: Document) -> Iterator[str]:
    yield from _gone("command", was, now)
    for name in was.keys() & now.keys():
        older, newer = was[name], now[name]
        yield from _gone(f"command {name}: option", older["options"], newer["options"])
        for option, required in newer["options"].items():
            if required and not older["options"].get(option, False):
                yield f"command {name}: option {option}: has become required"
        yield from _gone(f"command {name}: option without a value", older["flags"], newer["flags"])
        taken = [each for each in newer["flags"] if each in older["options"] and each not in older["flags"]]
        yield from (f"command {name}: option {each}: takes no value any more" for each in taken)
        yield from _gone(f"command {name}: option that may be repeated", older["many"], newer["many"])
        yield from _changed(f"command {name}: option", "if it was not given it was", older["values"], newer["values"])
        arguments = [required for _, required in older["arguments"]], [required for _, required in newer["arguments"]]
        if len(arguments[1]) < len(arguments[0]) or any(arguments[1][len(arguments[0]) :]):
            yield f"command {name}: its arguments are others"
        elif any(later and not earlier for earlier, later in zip(*arguments, strict=False)):
            yield f"command {name}: an argument has become required"

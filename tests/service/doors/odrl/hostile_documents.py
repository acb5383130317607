"""
Documents that no partner of good faith sends: malformed, too large, too deep, or written so that a reader sees another contract.

Each has a name, its bytes, and the code and a piece of the sentence with which it is refused.
"""

import json
from typing import Any

ODRL = "http://www.w3.org/ns/odrl.jsonld"
DSP = "https://w3id.org/dspace/2025/1/context.jsonld"
TURTLE_PREFIX = "@prefix odrl: <http://www.w3.org/ns/odrl/2/> .\n"


def policy(**more: Any) -> dict[str, Any]:
    """A small offer, changed."""
    return {"@context": ODRL, "@type": "Offer", "@id": "urn:o", "permission": [{"action": "use"}], **more}


def raw(**more: Any) -> bytes:
    """The bytes of a small offer, changed."""
    return json.dumps(policy(**more)).encode()


def nested(depth: int) -> Any:
    """A constraint in so many connectives."""
    found: Any = {"leftOperand": "spatial", "operator": "eq", "rightOperand": "SG"}
    for _ in range(depth):
        found = {"and": [found]}
    return found


def laughs(levels: int) -> bytes:
    """A constraint of ten parts that each have ten parts, and so on, by their names: small to send, huge to build."""
    nodes: list[Any] = [{"@id": "urn:o", "@type": "Offer", "permission": {"@id": "urn:p"}}]
    nodes.append({"@id": "urn:p", "action": "use", "constraint": {"@id": "urn:c0-0"}})
    for level in range(levels):
        parts = [{"@id": f"urn:c{level + 1}-{number}"} for number in range(10)]
        nodes += [{"@id": f"urn:c{level}-{number}", "and": parts} for number in range(10)]
    return json.dumps({"@context": ODRL, "@graph": nodes}).encode()


def context(**terms: Any) -> bytes:
    """A small offer with a context of its own beside ODRL's."""
    return raw(**{"@context": [ODRL, terms]})


def turtle(text: str) -> bytes:
    return (TURTLE_PREFIX + text).encode()


TWO = json.dumps({"@context": ODRL, "@graph": [policy(), policy(**{"@id": "urn:q"})]}).encode()
RULE = {"@id": "urn:r", "action": "use"}
CIRCLE = {"@id": "urn:c", "and": [{"@id": "urn:c"}]}
ROUND = "<urn:o> a odrl:Set; odrl:permission <urn:p>. <urn:p> odrl:constraint <urn:c>. <urn:c> odrl:and <urn:c>."

HOSTILE: list[tuple[str, bytes, str, str]] = [
    # Not JSON
    ("nothing at all", b"", "not-json", "not JSON"),
    ("bytes that are no text", b"\xff\xfe{}", "not-json", "not UTF-8"),
    ("a list of policies", b"[" + raw() + b"]", "not-json", "a contract is a JSON object"),
    ("a bare string", b'"use"', "not-json", "a contract is a JSON object"),
    ("a number that is none", raw()[:-1] + b', "x": NaN}', "not-json", "NaN is not JSON"),
    ("an endless number", raw()[:-1] + b', "x": 1e999}', "not-json", "a number is too large"),
    ("a number of five thousand digits", raw()[:-1] + b', "x": ' + b"9" * 5000 + b"}", "not-json", "not JSON"),
    ("half of a character", raw()[:-1] + b', "x": "\\ud800"}', "not-json", "lone surrogate"),
    ("a key that is there twice", raw()[:-1] + b', "permission": []}', "not-json", "appears twice"),
    ("an end that is missing", raw()[:-1], "not-json", "not JSON"),
    # Too much
    ("ten megabytes", raw(note="x" * 10_000_000), "not-json", "bytes"),
    ("lists in lists", b"[" * 100_000, "not-json", "nested too deeply"),
    ("a hundred connectives in each other", raw(permission=[{"action": "use", "constraint": nested(100)}]), "too-deep", "deep"),
    ("a list of ten thousand values", raw(x=[1] * 10_000), "too-large", "at most"),
    ("thirty thousand values", raw(x=[{f"k{n}": list(range(1_500))} for n in range(20)]), "too-large", "objects, lists and values"),
    ("a text without end", raw(permission=[{"action": "u" * 20_000}]), "too-large", "characters"),
    ("ten to the sixth parts by their names", laughs(6), "too-large", "rules and constraints"),
    # Contexts
    ("a context on the net", raw(**{"@context": "https://evil.example/odrl.jsonld"}), "remote-context", "none is fetched"),
    ("a context in a file", raw(**{"@context": "file:///etc/passwd"}), "remote-context", "none is fetched"),
    ("a context beside a known one", raw(**{"@context": [ODRL, "../odrl.jsonld"]}), "remote-context", "none is fetched"),
    ("a context deep in the policy", raw(permission=[{"@context": "http://x/", "action": "use"}]), "remote-context", "fetched"),
    ("a context that imports another", context(**{"@import": "http://x/"}), "bad-context", "@import"),
    ("no context from here on", raw(permission=[{"@context": None, "action": "use"}]), "bad-context", "null"),
    ("thousands of terms", context(**{f"t{n}": f"urn:t{n}" for n in range(2_500)}), "large-context", "too large"),
    ("hundreds of terms", context(**{f"t{n}": f"urn:t{n}" for n in range(300)}), "large-context", "at most"),
    ("contexts in contexts", raw(**{"@context": [[ODRL]]}), "bad-context", "no list in it"),
    ("many contexts", raw(**{"@context": [ODRL] * 50}), "large-context", "at most"),
    ("a context that is a number", raw(**{"@context": 7}), "bad-context", "an address, an object or a list"),
    ("terms that mean each other", context(a="b:x", b="a:y"), "not-json-ld", "yclic"),
    ("a prohibition that is a note", context(prohibition="urn:note"), "renamed-term", "`prohibition` means"),
    ("a use that is a print", context(use="http://www.w3.org/ns/odrl/2/print"), "renamed-term", "`use` means"),
    ("a prefix that is another", context(odrl="https://evil.example/"), "renamed-term", "`odrl` means"),
    ("an operator that is turned round", context(lteq="odrl:gteq"), "renamed-term", "`lteq` means"),
    ("a term of Catena-X that is another", context(FrameworkAgreement="urn:x"), "renamed-term", "`FrameworkAgreement` means"),
    ("a term that is forgotten", context(prohibition=None), "bad-context", "says what it means"),
    ("another name of a keyword", context(value="@value"), "bad-context", "cannot be another name"),
    ("a term that reads backwards", context(of={"@reverse": "odrl:permission"}), "bad-context", "@reverse"),
    ("a term with a context of its own", context(x={"@id": "urn:x", "@context": {}}), "bad-context", "@context"),
    ("a term whose keys are languages", context(x={"@id": "urn:x", "@container": "@language"}), "bad-context", "container"),
    ("a vocabulary without an address", context(**{"@vocab": ""}), "bad-context", "absolute address"),
    # Shapes
    ("a permission that reads backwards", raw(**{"@reverse": {"odrl:permission": {"@id": "urn:p"}}}), "keyword", "@reverse"),
    ("another document included", raw(**{"@included": [policy()]}), "keyword", "@included"),
    ("a nest", raw(**{"@nest": {"prohibition": []}}), "keyword", "@nest"),
    ("a word that looks like a keyword", raw(**{"@prohibition": []}), "keyword", "@prohibition"),
    ("a graph with a name", raw(**{"@graph": [policy()]}), "named-graph", "only its `@context`"),
    ("a graph within", raw(permission=[{"@graph": [policy()]}]), "keyword", "@graph"),
    ("two policies", TWO, "several-policies", "send one"),
    ("a policy in a policy", raw(target={"hasPolicy": policy(**{"@id": "urn:q"})}), "several-policies", "send one"),
    ("an offer that is an agreement too", raw(**{"@type": ["Offer", "Agreement"]}), "several-types", "one of them"),
    ("a rule that is its own duty", raw(permission=[{"@id": "urn:r", "duty": {"@id": "urn:r"}}]), "contains-itself", "itself"),
    ("a rule that is the policy", raw(permission=[{"@id": "urn:o"}]), "contains-itself", "itself"),
    ("a constraint that is its own part", raw(permission=[{"constraint": CIRCLE}]), "contains-itself", "itself"),
    ("a value that is an object", raw(x={"@value": {"a": 1}}), "bad-value", "`@value` is"),
    ("a value of a kind of JSON", raw(x={"@value": 1, "@type": "@json"}), "bad-value", "@json"),
    ("a list in a list", raw(x={"@list": [[1]]}), "bad-value", "no list in it"),
    ("a limit that is null", raw(permission=[{"action": "use", "constraint": None}]), "null", "leave it out"),
    ("a name that no context could define", raw(**{"a b": 1, "x:\ny": 2}), "dropped", "would be lost"),
    ("no policy", json.dumps({"@context": ODRL, "@id": "urn:x"}).encode(), "no-policy", "no ODRL policy"),
    ("a policy without a context", json.dumps({"@type": "Set", "permission": [{"action": "use"}]}).encode(), "no-policy", "by a context"),
    ("a request", raw(**{"@type": "Request"}), "grants-nothing", "neither an offer nor an agreement"),
    ("a rule that is told twice", raw(permission=[RULE], prohibition=[RULE]), "described-twice", "describe it once"),
    ("a context in each rule", raw(permission=[{"@context": ODRL, "action": "use"}] * 20), "large-context", "in all"),
]  # fmt: skip

HOSTILE_TURTLE: list[tuple[str, bytes, str, str]] = [
    ("nothing at all", b"", "no-policy", "no ODRL policy"),
    ("bytes that are no text", b"\xff\xfe", "not-turtle", "not UTF-8"),
    ("JSON", raw(), "not-turtle", "not Turtle"),
    ("ten megabytes", b"#" * 10_000_000, "too-large", "bytes"),
    ("things in things", turtle("<urn:o> odrl:permission " + "[ odrl:duty " * 200 + "]" * 200 + " ."), "too-deep", "deep"),
    ("a name without end", turtle(f"<urn:{'x' * 20_000}> a odrl:Set ."), "too-large", "characters"),
    ("an end that is missing", turtle('<urn:o> a odrl:Set ; odrl:uid "x'), "not-turtle", "does not end"),
    ("a prefix that is missing", b"<urn:o> a odrl:Set .", "not-turtle", "not Turtle"),
    ("two policies", turtle("<urn:o> a odrl:Set . <urn:p> a odrl:Offer ."), "several-policies", "send one"),
    ("an offer that is a set too", turtle("<urn:o> a odrl:Set, odrl:Offer ."), "several-types", "one of them"),
    ("a constraint that is its own part", turtle(ROUND), "contains-itself", "itself"),
    ("a formula", turtle("{ <urn:o> a odrl:Set } => { <urn:o> a odrl:Offer } ."), "not-turtle", "not Turtle"),
]  # fmt: skip

"""The names of all texts with their types, as the first catalogue has them: what `service/languages/names.py` should be."""

from textwrap import fill

from engine.languages.word_catalogue import read
from service.languages.words import HERE

HEAD = '''"""The names of all texts. Made from `en.yaml`: `RECORD=1 pytest tests/service/languages`."""

# fmt: off
# ruff: noqa: UP013
from dataclasses import dataclass
from typing import TypedDict

'''
CLASS = '''

@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one language, by what they are for."""

'''


def made_names() -> str:
    """The module with a type for the names of each group, and with the class that has all groups."""
    groups = read("en.yaml", (HERE / "en.yaml").read_bytes()).groups
    kinds = {group: "".join(word.capitalize() for word in group.split("_")) + "Texts" for group in groups}
    text = HEAD
    for group, names in groups.items():
        listed = ", ".join(f'"{name}":\xa0str' for name in names)  # which keeps a name and its type on one line
        wrapped = fill(listed, 128, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
        text += f'{kinds[group]} = TypedDict("{kinds[group]}", {{\n{wrapped},\n}})\n'.replace("\xa0", " ")
    return text + CLASS + "".join(f"    {group}: {kind}\n" for group, kind in kinds.items())

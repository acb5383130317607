"""
`fifthfactor new …`: begins a law, a house, a test or a fact, with files that are sound and pass their tests.

`engine.authoring.first_files` knows the files. Nothing that is there is written over.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import Commands, Policies, UsedWrongly
from service.cli.output import complain, painted, today

if TYPE_CHECKING:
    import engine

app = Commands(help="Begin a law, a house, a test or a fact, with files that are sound and a test that passes.")
Into = Annotated[Path, typer.Option(help="Folder in which the new folder is made.")]
TitleZh = Annotated[str, typer.Option(help="The same in Chinese. [the title]")]


@app.add("new law AQ", "new law AQ --into policies", name="law")
def law(
    country: Annotated[str, typer.Argument(help="Code of a country that has no law so far, like AQ.")],
    into: Into = Path(),
    policies: Policies = None,
) -> int:
    """
    Begin the law of a country: a folder with its words, a first instrument and its test.

    Everything that a country needs is in `words.yaml` there. The first rule is marked `unsure` until somebody reads the law, so it leads to
    a review. Beside the bundled policies the folder is loaded as `bundled aq`; inside `policies` it is part of them.
    """
    import engine

    return _begin(into / country.lower(), policies, lambda bundle, way: engine.first_law(bundle, country, today(), way))


@app.add("new house acme --title 'Acme Group'", "new house acme --title 'Acme Group' --title-zh 阿克梅集团", name="house")
def house(
    name: Annotated[str, typer.Argument(help="Short name, which begins everything that the house names, like acme.")],
    title: Annotated[str, typer.Option(help="Name of the organisation.")],
    title_zh: TitleZh = "",
    into: Into = Path(),
    policies: Policies = None,
) -> int:
    """
    Begin the rules of an organisation beside the law: whose they are, their words, a first rule and its test.
    """
    import engine

    def files(bundle: engine.Bundle, way: str) -> dict[str, bytes]:
        return engine.first_house(bundle, name, title, title_zh or title, today(), way)

    return _begin(into / name, policies, files)


@app.add(
    "new fact data.checked --title 'the data were checked' --ask 'Were the data checked?' --into acme",
    "new fact data.copies --type count --title 'copies' --ask 'How many copies?' --into acme",
    name="fact",
)
def fact(
    name: Annotated[str, typer.Argument(help="Name of the fact, as group.fact.")],
    title: Annotated[str, typer.Option(help="What the fact is.")],
    ask: Annotated[str, typer.Option(help="The question that asks for it.")],
    into: Annotated[Path, typer.Option(help="Folder of a law or a house, which gets the fact.")],
    kind: Annotated[str, typer.Option("--type", help="Type of the fact: yes/no, count or ratio.")] = "yes/no",
    title_zh: TitleZh = "",
    ask_zh: Annotated[str, typer.Option(help="The question in Chinese. [the question]")] = "",
    policies: Policies = None,
) -> int:
    """
    Begin a fact in the folder of a law or a house: the fact with its question, a first rule that reads it, and its test.
    """
    import engine

    folder = into.resolve()
    if not folder.is_dir():
        raise UsedWrongly(f"there is no folder {into}")

    def files(bundle: engine.Bundle, way: str) -> dict[str, bytes]:
        titles, questions = (title, title_zh or title), (ask, ask_zh or ask)
        return engine.first_fact(bundle, folder.name, name, kind, titles, questions, today(), way)

    return _begin(into, policies, files, [into])


@app.add("new test exchange.json acme.rules --policies bundled --policies acme", name="test")
def test(
    exchange: Annotated[Path, typer.Argument(help="JSON file with an exchange; - reads standard input.")],
    policy: Annotated[str, typer.Argument(help="Policy that is tested, like acme.rules.")],
    case: Annotated[str, typer.Option(help="What the case shows, as a sentence. [the name of the file]")] = "",
    policies: Policies = None,
) -> int:
    """
    Begin a test of a policy from an exchange, expected to come out as it does today.

    Where the policy has no tests so far, they are written beside it. Otherwise the case is printed, to be pasted under its `cases`.
    """
    import engine
    from service.cli.files import load_or_stop, read_exchange
    from service.cli.schema import way_to_schemas

    bundle = load_or_stop(policies or [])
    sent = read_exchange(bundle, exchange, "en")
    file = next((rule.provision.file for rule in bundle.rules.rules if rule.provision.policy == policy), "")
    if not file:
        known = set(bundle.provisions.values())
        raise UsedWrongly(f"there is no policy `{policy}`; {engine.did_you_mean(policy, known)}".rstrip("; "))
    name = f"{file.rpartition('.')[0]}.test.yaml"
    there = name if name in bundle.sources else ""
    written = engine.case_of(engine.PDP(bundle), policy, sent, today(), case or exchange.stem.replace("-", " "), there)
    if not written:
        raise UsedWrongly(f"no case can state the exchange in {exchange}; leave out ids that only look like ids")
    if there:
        print(written, end="")
        complain(f"paste this under the `cases` of {there}")
        return 0
    path = _path(policies or [engine.bundled_policies()], name)
    return _write({path: engine.lay_out(path.name, written.encode(), way_to_schemas(path))})


def _begin(
    folder: Path,
    policies: list[Path] | None,
    files: "Callable[[engine.Bundle, str], Mapping[str, bytes]]",
    beside: list[Path] | None = None,
) -> int:
    """Write the first files of something into a folder, with the schemas for editors where there are none yet. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.schema import way_to_schemas, write_schemas

    around = folder.parent
    whole = around.is_dir() and around.resolve() != Path.cwd() and engine.stands_alone(around)
    loaded = policies or [around if whole else engine.bundled_policies()]
    within = any(folder.resolve().is_relative_to(each.resolve()) for each in loaded)
    bundle = load_or_stop([*loaded, *(beside or [] if not within else [])])
    way = way_to_schemas(folder / "words.yaml") or ".schemas"
    try:
        found = {folder / name: data for name, data in files(bundle, way).items()}
    except engine.NotBegun as refused:
        raise UsedWrongly(str(refused)) from None
    done = _write(found)
    together = loaded if within else [*loaded, folder]
    all_of = " ".join("bundled" if each == engine.bundled_policies() else str(each) for each in together)
    if way == ".schemas":
        write_schemas(folder / way, load_or_stop(together))
    print(f"next: fifthfactor check {all_of}")
    print(f"      fifthfactor test {all_of} --only {folder.name}/")
    return done


def _path(policies: list[Path], name: str) -> Path:
    """The path of a file of a bundle by its name there."""
    folder, _, rest = name.partition("/")
    return next(each for each in policies if each.resolve().name == folder or len(policies) == 1) / rest


def _write(files: Mapping[Path, bytes]) -> int:
    """Write new files, all of them or none. Raises UsedWrongly."""
    from service.cli.files import make_folder, put

    for path in files:
        if path.exists():
            raise UsedWrongly(f"{path} is there already, and nothing was written; choose another name or folder")
    for path, data in files.items():
        make_folder(path.parent)
        put(path, data)
        print(f"{painted('green', 'wrote')} {path}")
    return 0

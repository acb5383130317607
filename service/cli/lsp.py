"""`fifthfactor lsp`: helps an editor while policies are written."""

from importlib.util import find_spec

from service.cli.command import Commands, Paths, UsedWrongly
from service.cli.output import today

app = Commands()


@app.add("lsp", "lsp bundled acme")
def lsp(paths: Paths = None) -> int:
    """
    Answer an editor by the Language Server Protocol, over standard input and output.

    It reports what check and lint find while one types, completes what may stand at a place, shows what a name means and where it is used,
    renames over files, mends, and evaluates the cases of tests. Without folders it takes `policies` of the folder that the editor has
    open, or else that folder itself; a folder that is no whole law of its own stands beside the bundled policies.
    """
    if find_spec("pygls") is None:
        raise UsedWrongly("the editor's part is not installed: pip install 'fifthfactor[editor]'")
    from service.language_server.server import serve

    serve(paths or [], today)
    return 0

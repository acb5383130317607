"""`python -m service.cli` is `fifthfactor`."""

from service.cli.main import main

main()

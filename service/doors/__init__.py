"""
Doors: contracts, gateways, pipelines and agents in their own forms.

A door reads what its users already have, calls a use case of the service, and writes the answer in their form. It decides nothing, and
nothing but the application and the command line knows it. A door that needs a library answers 503 where the library is not installed.
"""

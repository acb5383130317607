"""
Runs: tables in files, decided part by part, with a manifest by which each row can be proven. Nothing here is a commitment.

Only who needs tables imports this room: it needs the extra `tables`.
"""

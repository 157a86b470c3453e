"""The load bench: the release server beside nginx, on SQLite and on a durable Postgres. `benches/bench.py` runs it."""

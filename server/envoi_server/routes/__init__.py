"""The relay's HTTP interface (PROTOCOL §9), one module for each kind of thing.

A route reads the request, asks the relay and writes the answer; it decides nothing. Routes on which speed
depends are `HotRoute`s on raw bytes; the others are served by FastAPI. Both kinds stand in `/openapi.json`.
"""

"""Envoi held to the formats it composes: their vectors, and files exchanged with other implementations."""

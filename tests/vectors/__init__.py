"""Vectors: bytes that any implementation can be held to. README.md says where each file comes from."""

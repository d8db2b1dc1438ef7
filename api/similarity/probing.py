"""Looks into a vector index from a process of its own: a damaged one may end whoever opens it.

`python -m api.similarity.probing DIRECTORY`, or `HOST:PORT` of a server, prints how much each
collection holds, and for the ids on its standard input the vectors it has of them and whether a
search finds them.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

# Two copies of a vector are as close as this; a search that misses a vector itself is no search.
DISTANCE_MAX = 1e-4
_NOTHING: Mapping[str, Any] = {"ids": [], "embeddings": []}


def look(place: str, asked: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return what is in the index at a place, and of the ids asked for by collection."""
    import chromadb  # noqa: PLC0415 - large, and optional

    host, _, port = place.rpartition(":")
    client: Any = (
        chromadb.HttpClient(host=host, port=int(port))
        if host
        else chromadb.PersistentClient(path=place)
    )
    found: dict[str, Any] = {}
    for name, ids in asked.items():
        collection = client.get_collection(name, embedding_function=None)
        # Asked for no ids, it would be an error; an empty collection is none.
        kept = collection.get(ids=ids, include=["embeddings"]) if ids else _NOTHING
        vectors = [[float(each) for each in one] for one in kept["embeddings"]]
        missed = 0
        if vectors:
            near = collection.query(query_embeddings=vectors, n_results=1, include=["distances"])
            missed = sum(not one or one[0] > DISTANCE_MAX for one in near["distances"])
        found[name] = {
            "count": collection.count(),
            "metadata": dict(collection.metadata or {}),
            "vectors": dict(zip(kept["ids"], vectors, strict=True)),
            "missed": missed,
        }
    return found


if __name__ == "__main__":
    json.dump(look(sys.argv[1], json.load(sys.stdin)), sys.stdout)

"""Answers against the published schemas. In: the folder of the schemas; answers on standard input, one a line. Out: what is
wrong, and on the last line the kinds that were seen. An answer with a field that its schema does not name is wrong too:
published schemas are open, since answers may grow, but a field without a word about it is none of ours."""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator, RefResolver


def closed(schema):
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            closed(part)
    elif isinstance(schema, list):
        for part in schema:
            closed(part)
    return schema


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    schemas = {path.stem: closed(json.loads(path.read_text())) for path in folder.glob("*.json")}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    store = {(folder / f"{name}.json").as_uri(): schema for name, schema in schemas.items()}
    seen = set()
    for line in sys.stdin:
        answer = json.loads(line)
        _, kind, version = answer["schema"].split("/")
        schema = schemas.get(kind)
        if schema is None or version != "1":
            print(f"{answer['schema']}: no schema is published")
            continue
        seen.add(kind)
        # The parts that answers share are named relative to the file.
        resolver = RefResolver((folder / f"{kind}.json").as_uri(), schema, store=store)
        for error in Draft202012Validator(schema, resolver=resolver).iter_errors(answer):
            print(f"{kind}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    print(*sorted(seen))


main()

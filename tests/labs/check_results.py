"""Check results.json files against gradescope.schema.json: check_results.py RESULTS.json...

With the package jsonschema where it is installed, and else, or with --plain first, by the few rules that this schema
uses. Says what is wrong, and exits with status 1.
"""

import json
import pathlib
import sys

TYPES = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int}


def errors(schema, value, where=""):
    """What is wrong with the value, by the rules of the schema."""
    types = schema.get("type", list(TYPES))
    allowed = tuple(TYPES[name] for name in ([types] if isinstance(types, str) else types))
    flat = tuple(t for entry in allowed for t in (entry if isinstance(entry, tuple) else (entry,)))
    if not isinstance(value, flat) or isinstance(value, bool):
        return [f"{where or 'all'}: {value!r:.60} is no {types}"]
    found = []
    if value not in schema.get("enum", [value]):
        found.append(f"{where}: {value!r:.60} is none of {schema['enum']}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{where}: {value} is less than {schema['minimum']}")
    if "anyOf" in schema and all(errors(rule, value, where) for rule in schema["anyOf"]):
        found.append(f"{where or 'all'}: none of the alternatives {schema['anyOf']}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, member in value.items():
            if name in known:
                found += errors(known[name], member, f"{where}.{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{where}.{name} is not known")
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            found += errors(schema["items"], item, f"{where}[{i}]")
    return found


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def main(paths):
    plain = paths[:1] == ["--plain"]
    paths = paths[plain:]
    schema = json.loads((pathlib.Path(__file__).parent / "gradescope.schema.json").read_text(encoding="utf-8"))
    try:
        import jsonschema
    except ImportError:
        plain = True
    bad = 0
    for path in paths:
        try:
            results = json.loads(pathlib.Path(path).read_text(encoding="utf-8"), parse_constant=no_constant)
        except ValueError as error:
            found = [str(error)]
        else:
            if plain:
                found = errors(schema, results)
            else:
                checker = jsonschema.Draft7Validator(schema)
                found = [f"{list(e.absolute_path)}: {e.message}" for e in checker.iter_errors(results)]
        for error in found:
            print(f"{path}: {error}")
        bad += bool(found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

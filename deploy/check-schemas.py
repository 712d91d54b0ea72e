"""Checks Kubernetes objects from standard input against the schemas of Kubernetes 1.32, strictly, and custom kinds against
JSON schemas in the folder that is given (group/kind_version.json). A kind without a schema is named."""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else None
bad = checked = 0
unchecked = set()
for document in filter(None, yaml.safe_load_all(sys.stdin)):
    version, kind = document["apiVersion"], document["kind"]
    group, _, number = version.rpartition("/")
    name = f"{kind}/{document['metadata']['name']}"
    schema = folder and folder / group / f"{kind.lower()}_{number}.json"
    try:
        if schema and schema.exists():
            jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(document)
        else:
            kubernetes_validate.validate(document, "1.32", strict=True)
        checked += 1
    except kubernetes_validate.SchemaNotFoundError:
        unchecked.add(f"{version} {kind}")
    except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
        print(f"{name}: {'.'.join(map(str, error.path))}: {error.message[:200]}", file=sys.stderr)
        bad += 1
print(f"{checked} objects fit their schemas, {bad} do not", *(f"no schema here: {kind}" for kind in sorted(unchecked)), sep="\n")
sys.exit(1 if bad or not checked else 0)

"""Holds requests and answers against what GitHub publishes: its GraphQL schema and its OpenAPI description.

Started with the folder `node_modules` that holds them. Reads one JSON object a line, answers with one a line:
  {"graphql": {query, variables, operationName}}            -> {complaints, errors, mutation, fields}
  {"graphql": {…}, "answer": DATA}                          -> {complaints}
  {"rest": {method, target, body, status?, answer?}}        -> {complaints}
"""

import functools
import json
import pathlib
import re
import sys
import urllib.parse

FOLDER = pathlib.Path(sys.argv[1]) / "@octokit"

try:
    import jsonschema
    import referencing
    from graphql import (
        GraphQLError, build_client_schema, get_named_type, get_operation_ast, is_abstract_type, is_enum_type,
        is_leaf_type, is_list_type, is_non_null_type, parse, validate,
    )
    from graphql.execution.values import get_argument_values, get_directive_values, get_variable_values
    from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective
    from referencing.jsonschema import DRAFT4
except ImportError as error:
    print(json.dumps({"missing": f"Python's {error.name}"}), flush=True)
    sys.exit(0)


# GraphQL: a request becomes a plan, with its fragments inlined and its variables filled in.

@functools.cache
def schema():
    return build_client_schema(json.loads((FOLDER / "graphql-schema/schema.json").read_text()), assume_valid=True)


@functools.lru_cache(64)
def document(text):
    parsed = parse(text)
    return parsed, validate(schema(), parsed)


def plan(request):
    try:
        parsed, errors = document(request.get("query") or "")
        if errors:
            raise errors[0]
        operation = get_operation_ast(parsed, request.get("operationName"))
        if operation is None:
            raise GraphQLError("An operation name is required")
        variables = get_variable_values(schema(), operation.variable_definitions or [], request.get("variables") or {})
        if isinstance(variables, list):
            raise variables[0]
        mutation = operation.operation.value == "mutation"
        root = schema().mutation_type if mutation else schema().query_type
        fragments = {d.name.value: d for d in parsed.definitions if d.kind == "fragment_definition"}
        return root, mutation, fields(root, operation.selection_set, None, variables, fragments)
    except GraphQLError as error:
        shown = {"message": error.message}
        if error.locations:
            shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
        return shown


def possible(kind):
    return {one.name for one in schema().get_possible_types(kind)} if is_abstract_type(kind) else {kind.name}


def wanted(node, variables):
    skip = get_directive_values(GraphQLSkipDirective, node, variables)
    include = get_directive_values(GraphQLIncludeDirective, node, variables)
    return not (skip and skip["if"]) and not (include and not include["if"])


def fields(parent, selection, on, variables, fragments):
    """The fields of a selection, each with the types it is asked of: none, where of all."""
    found = []
    for node in selection.selections:
        if not wanted(node, variables):
            continue
        if node.kind == "field":
            name = node.name.value
            field = {"key": node.alias.value if node.alias else name, "name": name, "on": on and sorted(on),
                     "parent": parent.name, "line": node.loc.start_token.line, "column": node.loc.start_token.column}
            if name != "__typename":
                definition = parent.fields[name]
                field["arguments"] = get_argument_values(definition, node, variables)
                if node.selection_set:
                    kind = get_named_type(definition.type)
                    field["fields"] = fields(kind, node.selection_set, None, variables, fragments)
            found.append(field)
            continue
        fragment = fragments[node.name.value] if node.kind == "fragment_spread" else node
        kind = schema().type_map[fragment.type_condition.name.value] if fragment.type_condition else parent
        narrowed = possible(kind) if on is None else on & possible(kind)
        found += fields(kind, fragment.selection_set, narrowed, variables, fragments)
    return found


def misfits(kind, asked, value, at):
    """Where an answer is not of its type, or not what was asked for."""
    if is_non_null_type(kind):
        if value is None:
            return [f"{at}: null where the schema has none"]
        kind = kind.of_type
    if value is None:
        return []
    if is_list_type(kind):
        if not isinstance(value, list):
            return [f"{at}: not a list"]
        return [wrong for place, one in enumerate(value) for wrong in misfits(kind.of_type, asked, one, f"{at}.{place}")]
    if is_leaf_type(kind):
        right = {"Int": int, "Boolean": bool, "String": str, "ID": str, "Float": (int, float)}.get(kind.name, (str, int))
        if is_enum_type(kind):
            right = value in kind.values
        else:
            right = isinstance(value, right) and (kind.name == "Boolean" or not isinstance(value, bool))
        return [] if right else [f"{at}: {value!r} is no {kind.name}"]
    name = value.get("__typename") if is_abstract_type(kind) else kind.name
    due = [field for field in asked if name is None or field["on"] is None or name in field["on"]]
    wrong = [f"{at}.{key}: not asked for" for key in value.keys() - {field["key"] for field in due}]
    for field in due:
        here = f"{at}.{field['key']}"
        if field["key"] not in value:
            wrong += [f"{here}: missing"] if name else []
        elif field["name"] != "__typename":
            of = schema().type_map[field["parent"]].fields[field["name"]].type
            wrong += misfits(of, field.get("fields"), value[field["key"]], here)
    return wrong


def graphql(message):
    made = plan(message["graphql"])
    if isinstance(made, dict):
        return {"complaints": [f"GraphQL: {made['message']}"], "errors": [made]}
    root, mutation, asked = made
    if "answer" in message:
        return {"complaints": [f"the stub's answer: {one}" for one in misfits(root, asked, message["answer"], "data")]}
    return {"complaints": [], "errors": [], "mutation": mutation, "fields": asked}


# REST: OpenAPI's dialect becomes JSON Schema's as far as it is looked at.

@functools.cache
def description():
    return json.loads((FOLDER / "openapi/generated/api.github.com.json").read_text())


def follow(node):
    while "$ref" in node:
        target = description()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def translated(node, strict):
    """`nullable` said as JSON Schema says it; where strict, no property but those that are listed."""
    if "$ref" in node:
        return {"$ref": f"urn:{'strict' if strict else 'open'}:{node['$ref'].rsplit('/', 1)[1]}"}
    made = {}
    for key, value in node.items():
        if key == "properties":
            made[key] = {name: translated(one, strict) for name, one in value.items()}
        elif key in ("allOf", "anyOf", "oneOf"):
            made[key] = [translated(one, strict) for one in value]
        elif key in ("items", "not", "additionalProperties") and isinstance(value, dict):
            made[key] = translated(value, strict)
        elif key not in ("nullable", "example", "examples", "description", "title", "default"):
            made[key] = value
    if strict and "properties" in made:
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") else made


@functools.cache
def component(uri):
    _, strict, name = uri.split(":")
    made = translated(description()["components"]["schemas"][name], strict == "strict")
    return referencing.Resource(contents=made, specification=DRAFT4)


formats = jsonschema.FormatChecker(formats=())
formats.checks("date-time")(lambda text: not isinstance(text, str) or re.fullmatch(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text))
formats.checks("uri")(lambda text: not isinstance(text, str) or re.match(r"[a-z+]+:", text))


def failures(node, value, strict=False):
    judge = jsonschema.Draft4Validator(
        translated(node, strict), registry=referencing.Registry(retrieve=component), format_checker=formats)
    for error in judge.iter_errors(value):
        error = jsonschema.exceptions.best_match([error]) or error
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"


@functools.cache
def routes():
    found = []
    for path, item in description()["paths"].items():
        shared = item.get("parameters", [])
        for method, operation in item.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            parameters = [follow(one) for one in shared + operation.get("parameters", [])]
            broad = {one["name"] for one in parameters if one.get("x-multi-segment")}
            pattern = re.sub(r"\\\{(\w+)\\\}", lambda name: f"(?P<{name[1]}>{'.+' if name[1] in broad else '[^/]+'})",
                             re.escape(path))
            found.append((path.count("{"), -len(path), method.upper(), re.compile(pattern), path, parameters, operation))
    return sorted(found, key=lambda route: route[:2])


def typed(text, node):
    kind = follow(node).get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text.split(",") if kind == "array" else text


def parameters_wrong(parameters, given, query):
    known = {one["name"]: one for one in parameters if one["in"] in ("path", "query")}
    pairs = [(name, urllib.parse.unquote(text)) for name, text in given.items()]
    pairs += urllib.parse.parse_qsl(query, keep_blank_values=True)
    for name, text in pairs:
        if name not in known:
            yield f"parameter {name} is not known"
            continue
        for wrong in failures(known[name]["schema"], typed(text, known[name]["schema"])):
            yield f"parameter {name}{wrong}"
    for name, one in known.items():
        if one.get("required") and name not in dict(pairs):
            yield f"parameter {name} is missing"


def body_wrong(operation, body):
    expected = operation.get("requestBody")
    if not body:
        if expected and expected.get("required"):
            yield "a body is missing"
        return
    if not expected:
        yield "a body where none is taken"
        return
    try:
        yield from failures(expected["content"]["application/json"]["schema"], json.loads(body), strict=True)
    except ValueError as error:
        yield f"body: {error}"


def answer_wrong(operation, status, answer):
    known = operation["responses"].get(str(status))
    if known is None:
        if status < 400:
            yield f"status {status} is not published"
        known = {"$ref": "#/components/responses/not_found"}
    content = follow(known).get("content")
    if not content:
        if answer:
            yield f"a body with {status}"
        return
    try:
        value = json.loads(answer)
    except ValueError as error:
        yield str(error)
        return
    yield from failures(content.get("application/json", {}).get("schema", {}), value)


def rest(message):
    asked = message["rest"]
    path, _, query = asked["target"].partition("?")
    for _, _, method, pattern, name, parameters, operation in routes():
        match = method == asked["method"] and pattern.fullmatch(path)
        if not match:
            continue
        said = list(parameters_wrong(parameters, match.groupdict(), query)) + list(body_wrong(operation, asked["body"]))
        if asked.get("status"):
            said += [f"the stub's answer {asked['status']}: {one}"
                     for one in answer_wrong(operation, asked["status"], asked["answer"])]
        return {"complaints": [f"{method} {name}: {one}" for one in said]}
    return {"complaints": [f"{asked['method']} {path} is not published"]}


def main():
    for part in ("graphql-schema/schema.json", "openapi/generated/api.github.com.json"):
        if not (FOLDER / part).is_file():
            print(json.dumps({"missing": f"npm's @octokit/{part}"}), flush=True)
            return
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        print(json.dumps(graphql(message) if "graphql" in message else rest(message)), flush=True)


main()

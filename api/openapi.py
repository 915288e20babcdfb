"""The OpenAPI 3.1 document, made of the operations and of the structs that they answer with."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from api.operation import FORMATS, Operation
from api.params import Param
from api.problems import CONTENT_TYPE, TABLE, Code, ProblemDetails
from api.settings import ApiSettings

_REF = "#/components/schemas/{name}"
_PATH_PARAM = re.compile(r"\{(\w+)\}")
#: Problems that any operation may end in.
_ALWAYS = (Code.UNKNOWN_PARAMETER, Code.NOT_ACCEPTABLE, Code.TOO_MANY_REQUESTS, Code.INTERNAL, Code.NOT_AVAILABLE)
DISCLAIMER = (
    "Readings as their publishers gave them, with what we know of their quality. Not an alarm system of any authority: in an "
    "emergency follow your local authorities. Missing, late and blocked are told apart from calm; nothing here says that a place is safe."
)


def document(operations: Sequence[Operation], settings: ApiSettings) -> dict[str, Any]:
    """The OpenAPI document of these operations."""
    used = [kind for operation in operations for kind in (*operation.answers, operation.body) if kind is not None]
    types = [*dict.fromkeys(used), ProblemDetails]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    refs = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": settings.title,
            "version": settings.version,
            "description": DISCLAIMER,
            "license": {"name": "Data: see `licence` and `rights` of each row", "identifier": "LicenseRef-per-row"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": dict(paths),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "subscriber": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "the token shown once when a subscription was made",
                },
                "operator": {"type": "http", "scheme": "bearer", "description": "the operator's token"},
            },
        },
    }


def _key(kind: Any) -> str:
    return str(kind)


def _operation(operation: Operation, refs: Mapping[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(operation), *map(_parameter, operation.params), *_format_parameter(operation)],
        "responses": _responses(operation, refs),
    }
    if operation.description:
        told["description"] = operation.description
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": refs[operation.body]}}}
    if operation.deprecated:
        told["deprecated"] = True
    if operation.scope:
        told["security"] = [{operation.scope: []}]
    return told


def _path_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in _PATH_PARAM.findall(operation.path):
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": schema,
            "example": operation.path_examples.get(name, "x"),
        }


def _parameter(param: Param[Any]) -> dict[str, Any]:
    schema: Any = {"type": "array", "items": dict(param.schema), "minItems": 1} if param.many else dict(param.schema)
    told = {
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.description,
        "schema": schema,
    }
    if param.many:
        told |= {"style": "form", "explode": False}
    if param.example:
        told["example"] = param.example.split(",") if param.many else _typed(param.example, param.schema.get("type"))
    return told


def _typed(text: str, kind: object) -> object:
    return int(text) if kind == "integer" else text


def _format_parameter(operation: Operation) -> Iterable[dict[str, Any]]:
    if len(operation.formats) > 1:
        schema = {"type": "string", "enum": list(operation.formats)}
        yield {
            "name": "f",
            "in": "query",
            "description": "format; goes before Accept",
            "schema": schema,
            "example": operation.formats[0],
        }


def _responses(operation: Operation, refs: Mapping[Any, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": operation.summary}
    if operation.media:
        good["content"] = {operation.media: {"schema": {"type": "string"}}}
    elif operation.answers:
        good["content"] = {FORMATS[word]: {"schema": _schema(operation, word, refs)} for word in operation.formats}
        good["headers"] = {"ETag": {"schema": {"type": "string"}}, "Cache-Control": {"schema": {"type": "string"}}}
    responses: dict[str, Any] = {str(operation.status): good}
    responses |= {str(status): good for status in operation.statuses}
    if operation.method == "GET":
        responses["304"] = {"description": "The client holds the same answer (ETag)"}
    by_status: dict[int, list[Code]] = defaultdict(list)
    for code in (*_ALWAYS, *_own(operation), *operation.problems):
        by_status[TABLE[code][0]].append(code)
    for status, codes in sorted(by_status.items()):
        if status not in operation.statuses:
            responses[str(status)] = _problem(status, list(dict.fromkeys(codes)), refs)
    return responses


def _own(operation: Operation) -> Iterable[Code]:
    """Problems that follow from what an operation takes."""
    if operation.params:
        yield from (Code.BAD_VALUE, Code.REPEATED_PARAMETER)
    if any(param.required for param in operation.params):
        yield Code.MISSING_PARAMETER
    if any(param.schema.get("format") == "date-time" for param in operation.params):
        yield Code.NAIVE_TIME
    if "bbox" in {param.name for param in operation.params}:
        yield from (Code.UNKNOWN_NAME, Code.NOT_MEANINGFUL)
    if "cursor" in {param.name for param in operation.params}:
        yield Code.BAD_CURSOR
    if {"from", "to"} <= {param.name for param in operation.params}:
        yield Code.WINDOW_REVERSED
    if operation.body is not None:
        yield from (Code.BAD_BODY, Code.BODY_TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE, Code.NOT_MEANINGFUL)
    if operation.scope:
        yield from (Code.TOKEN_MISSING, Code.TOKEN_REFUSED)


def _schema(operation: Operation, word: str, refs: Mapping[Any, Any]) -> Any:
    if word == "json":
        schemas = [refs[kind] for kind in operation.answers]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    if word in ("netcdf", "parquet", "eurdep", "irix"):
        return {"type": "string", "format": "binary"}
    if word == "covjson":
        return {"type": "object", "required": ["type", "coverages"]}
    if word == "geojson":
        return {
            "type": "object",
            "required": ["type", "features"],
            "properties": {"type": {"const": "FeatureCollection"}},
        }
    return {"type": "string"}


def _problem(status: int, codes: Sequence[Code], refs: Mapping[Any, Any]) -> dict[str, Any]:
    examples = {
        code: {
            "summary": TABLE[code][1],
            "value": {
                "type": f"/v1/problems/{code}",
                "title": TABLE[code][1],
                "status": status,
                "detail": TABLE[code][1] + ".",
                "code": code,
                "trace_id": "0" * 32,
                "param": "",
                "redirect_to": "",
                "source": "",
            },
        }
        for code in codes
    }
    return {
        "description": "; ".join(f"`{code}`: {TABLE[code][1]}" for code in codes),
        "content": {CONTENT_TYPE: {"schema": refs[ProblemDetails], "examples": examples}},
    }

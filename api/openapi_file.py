"""`python -m api.openapi_file` writes the committed OpenAPI document; a test compares it with the served one."""

from __future__ import annotations

from pathlib import Path

from api.app import openapi_bytes
from api.settings import ApiSettings

if __name__ == "__main__":
    (Path(__file__).parent / "openapi.json").write_bytes(openapi_bytes(ApiSettings()))

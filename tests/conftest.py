"""What all tests share: where real captured payloads lie, when they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Folder of real captured payloads; it is not part of this repository. Tests that need it are collected only where it exists.
SHARED = Path(os.environ.get("RADCOMMONS_SHARED", str(ROOT.parent / "shared")))
HAS_SHARED = (SHARED / "data").is_dir()

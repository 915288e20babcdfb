"""The deployment file, checked without a container engine: what each service may do, and that its command exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from ruamel.yaml import YAML
from typer.core import TyperGroup
from typer.main import get_command

from api.metrics import ApiMetrics
from collector.metrics import Metrics
from radcommons.cli import app

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "collector", "watcher", "api")
LONG_RUNNING = sorted(set(SERVICES) - {"migrate"})


def test_the_programs_of_the_design_are_there() -> None:
    assert {"db", "migrate", "collector", "watcher", "api", "proxy"} <= set(SERVICES)
    assert SERVICES["api"]["deploy"]["replicas"] == 2
    assert {name for name in SERVICES if "profiles" in SERVICES[name]} == {"prometheus", "grafana"}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_long_running_service_is_watched_and_limited(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"db"}))
def test_containers_are_read_only_and_without_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")


@pytest.mark.parametrize("name", OURS)
def test_our_programs_are_one_image_and_no_root(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == SERVICES["api"]["image"]
    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert "./config:/config:ro" in service["volumes"]


def test_secrets_are_files_and_stand_nowhere_else() -> None:
    for name, service in SERVICES.items():
        for key, value in (service.get("environment") or {}).items():
            secret = any(word in key for word in ("PASSWORD", "SECRET", "KEY", "TOKEN"))
            assert not secret or str(value).startswith(("/run/secrets/", "/var/lib/radcommons/")), f"{name}: {key}"
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())


def test_only_the_proxy_is_published_beyond_loopback_by_choice() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:") or (name == "proxy" and ":-127.0.0.1:" in port)


def test_dependencies_wait_for_health() -> None:
    for name in ("collector", "watcher", "api"):
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["db"]["condition"] == "service_healthy"


def test_every_mounted_file_of_the_repo_exists() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), source


def test_the_dashboard_asks_for_metrics_that_we_serve() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    families = [*registry.collect(), *ApiMetrics().registry.collect()]
    served = {f"{one.name}{tail}" for one in families for tail in ("", "_total", "_bucket")}
    boards = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
    assert boards
    for path in boards:
        board = json.loads(path.read_text(encoding="utf-8"))
        expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        named = {name for text in expressions for name in re.findall(r"radcommons_[a-z_]+", text)}
        assert named
        assert named <= served


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_each_program_is_one_that_we_have(name: str) -> None:
    words = [str(word) for word in SERVICES[name]["command"]]
    command = get_command(app)
    while isinstance(command, TyperGroup):
        command = command.commands[words.pop(0)]
    options = {text for parameter in command.params for text in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_settings_of_the_environment_are_ones_that_are_read() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8") for room in ("radcommons", "collector") for path in (ROOT / room).glob("*.py")
    )
    for name in OURS:
        for key in SERVICES[name]["environment"]:
            base = key.removesuffix("_FILE")
            feed_secret = any(
                f"env: {base}}}" in path.read_text(encoding="utf-8") for path in (ROOT / "config/feeds").glob("*.yaml")
            )
            assert base in code or feed_secret, key

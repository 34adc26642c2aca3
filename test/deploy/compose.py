"""docker-compose.yml beyond its schema, and what the Dockerfile copies."""

import json
import re
from pathlib import Path

from common import ROOT, SERVICES, load, run

# The gateway has one published port.
SCALED = [name for name in SERVICES if name != "api-gateway"]
REPLICAS = {name: f"{name.upper()}_REPLICAS" for name in SCALED}


def references():
    """Whatever is named exists, and nobody waits for the health of a container that has no check."""
    compose = load("docker-compose.yml")
    services = compose["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            if needed not in services:
                yield f"{name} needs {needed}, which does not exist"
            elif how["condition"] == "service_healthy" and not checked(needed, services[needed]):
                yield f"{name} waits for the health of {needed}, which has no check"
        for network in service.get("networks", ["default"]):
            if network not in compose["networks"]:
                yield f"{name}: there is no network {network}"
        for volume in service.get("volumes", []):
            source = volume.split(":", 1)[0]
            if source.startswith("."):
                if not any((ROOT / source).iterdir()):
                    yield f"{name}: {source} is empty"
            elif source not in compose["volumes"]:
                yield f"{name}: there is no volume {source}"
    if cycle := cyclic(services):
        yield f"{cycle} waits for itself"


def checked(name, service):
    image = "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    return "healthcheck" in service or (name in SERVICES and image)


def cyclic(services):
    def reaches(start, at, seen):
        return any(
            needed == start or (needed not in seen and reaches(start, needed, seen | {needed}))
            for needed in services.get(at, {}).get("depends_on", {})
        )

    return next((name for name in services if reaches(name, name, set())), None)


def hardened():
    """Ours run without privileges; nothing but the gateway and Grafana is published; no secret is written here."""
    compose = load("docker-compose.yml")
    for name, service in compose["services"].items():
        if name in SERVICES and (service.get("read_only") is not True or service.get("cap_drop") != ["ALL"]):
            yield f"{name} may write to its root or keeps capabilities"
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name} may gain privileges"
        if service.get("ports") and name not in ("api-gateway", "grafana"):
            yield f"{name} is published"
        if "container_name" in service:
            yield f"{name} has a fixed name and cannot be scaled"
        if not service.get("restart") or not service.get("mem_limit"):
            yield f"{name} has no restart policy or no bound on its memory"
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASS|(?<!WRONG_)KEYS(?!_TRUSTED_MS)|SECRET|TOKEN", key) and not re.fullmatch(r"\$\{\w+:\?[^}]*\}", str(value)):
                yield f"{name}: {key} is written in the file"
        for network in service.get("networks", []):
            if network != "internal" and name not in ("api-gateway", "grafana"):
                yield f"{name} is on the network {network}"
    if compose["networks"]["internal"].get("internal") is not True:
        yield "the internal network has a way out"


def copies():
    """What the Dockerfile copies is in the tree, and .dockerignore lets it through."""
    allowed = {
        line[1:].strip() for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    for path in sorted(allowed):
        if not (ROOT / path).exists():
            yield f".dockerignore names {path}, which does not exist"
    for line in re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), re.M):
        for source in line.split()[:-1]:
            if source.startswith("--"):
                continue
            if source != "." and (source not in allowed or not (ROOT / source).exists()):
                yield f"the Dockerfile copies {source}, which is missing or ignored"


def loaded(path):
    """What Docker Compose's own loader made of the file: the numbers of containers and the start of each command."""
    project = json.loads(Path(path).read_text())
    for name in SCALED:
        found = project["services"][name].get("scale")
        if found != 3:
            yield f"{name}: {REPLICAS[name]}=3 makes {found} containers"
    for name, service in project["services"].items():
        for line in service.get("command") or []:
            if re.search(r"\|\s*exec ", line):
                yield f"{name}: a pipe leaves the shell as the first process, which hears no SIGTERM"


def given():
    """Print a `.env` that has what the file requires, with three containers of each service that may have more."""
    for name in sorted(set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))):
        print(f"{name}={'0123456789abcdef:default' if name == 'API_KEYS' else 'secret'}")
    for name in SCALED:
        print(f"{REPLICAS[name]}=3")
    return []


if __name__ == "__main__":
    run({check.__name__: check for check in (references, hardened, copies, loaded, given)})

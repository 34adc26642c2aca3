"""The environment of every process, in docker-compose.yml and in the rendered manifests."""

import json
import re

import manifests
from common import ROOT, SERVICES, TABLES, load, run

# Of other programs: Node itself, the allocator.
FOREIGN = {
    "NODE_OPTIONS",
    "MALLOC_ARENA_MAX",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
}
# Values in place of secrets.
DUMMY = {
    "API_KEYS": "f2b1c0d9e8a7f2b1:default",
    "RABBITMQ_URL": "amqp://analytics:f2b1c0d9e8a7@rabbitmq:5672",
    "MONGODB_URI": "mongodb://analytics:f2b1c0d9e8a7@mongodb:27017/analytics",
    "REDIS_URL": "redis://:f2b1c0d9e8a7@redis:6379",
}
INTERPOLATED = re.compile(r"\$\{(\w+)(?::?([-?])([^}]*))?\}")


def interpolate(text, given):
    def value(match):
        name, kind, rest = match.groups()
        return given.get(name, rest if kind == "-" else "f2b1c0d9e8a7")

    return INTERPOLATED.sub(value, text)


def image_env():
    """What the image sets: ENV lines of its last stage."""
    stage = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.M)[-1]
    env = re.search(r"^ENV ((?:.*\\\n)*.*)$", stage, re.M).group(1)
    return dict(pair.split("=", 1) for pair in env.replace("\\\n", " ").split())


def of_compose():
    for name, service in load("docker-compose.yml")["services"].items():
        if name not in SERVICES:
            continue
        given = {"API_KEYS": DUMMY["API_KEYS"]}
        env = {key: interpolate(str(value), given) for key, value in service["environment"].items()}
        yield f"compose {name}", env


def of_manifests(path):
    rendered = manifests.Manifests(path)
    maps = {document["metadata"]["name"]: document["data"] for document in rendered.of("ConfigMap")}
    for workload in rendered.ours():
        (container,) = manifests.pod(workload)["containers"]
        env = {}
        for source in container["envFrom"]:
            env |= maps[source["configMapRef"]["name"]]
        for variable in container["env"]:
            secret = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("key")
            env[variable["name"]] = DUMMY[secret] if secret else variable["value"]
        yield f"{path} {workload['metadata']['name']}", env


def every(rendered):
    yield from of_compose()
    for path in rendered:
        yield from of_manifests(path)


def known(*rendered):
    """Every variable is one that the configuration reads."""
    for process, env in [("image", image_env()), *every(rendered)]:
        for name in sorted(set(env) - set(TABLES["variables"]) - FOREIGN):
            yield f"{process}: the configuration does not read {name}"


def documented(*_):
    """Every variable that compose interpolates is in docs/deploy.md."""
    text = (ROOT / "docs/deploy.md").read_text()
    for name in sorted({match[1] for match in INTERPOLATED.finditer((ROOT / "docker-compose.yml").read_text())}):
        if f"`{name}`" not in text and name not in TABLES["variables"]:
            yield f"docs/deploy.md does not explain {name}"


def owned():
    """What docs/deploy.md names as set by the files, and so not passed on from `.env` or the ConfigMap."""
    (paragraph,) = re.findall(r"^Not passed on: (.*?)\n\n", (ROOT / "docs/deploy.md").read_text(), re.M | re.S)
    return set(re.findall(r"`([A-Z_]+)`", paragraph))


def passed(*rendered):
    """Every variable of .env.example reaches the processes, or is named as one that does not."""
    example = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    fixed = owned()
    for name in sorted(fixed - set(example)):
        yield f"docs/deploy.md names {name}, which .env.example does not have"
    services = load("docker-compose.yml")["services"]
    for service in SERVICES:
        env = services[service]["environment"]
        for name in example:
            if name == "API_KEYS" and service != "api-gateway":
                continue
            own = {match[1] for match in INTERPOLATED.finditer(str(env.get(name, "")))} == {name}
            if name in fixed and own:
                yield f"compose {service}: {name} is passed on, and named as not passed on"
            if name not in fixed and not own:
                yield f"compose {service}: {name} is not passed on from .env"
    for path in rendered:
        for workload in manifests.Manifests(path).ours():
            (container,) = manifests.pod(workload)["containers"]
            where = f"{path} {workload['metadata']['name']}"
            if not container.get("envFrom"):
                yield f"{where}: nothing of the ConfigMap is passed on"
            for variable in container["env"]:
                if variable["name"] not in fixed | {"API_KEYS"}:
                    yield f"{where}: {variable['name']} of the ConfigMap has no effect"


def probed(*rendered):
    """Every process without the gateway has a port for probes, every gateway listens for others."""
    for process, env in every(rendered):
        gateway = env.get("SERVICES") == "api-gateway"
        if not process.endswith(f" {env.get('SERVICES')}"):
            yield f"{process} runs {env.get('SERVICES')}"
        if gateway == (int(env.get("OPS_PORT", 0)) > 0):
            yield f"{process}: OPS_PORT is for processes without the gateway"
        if (image_env() | env).get("HOST") != "0.0.0.0":
            yield f"{process} listens for itself alone"
        if not gateway and "API_KEYS" in env:
            yield f"{process} knows keys that it does not need"
        if env.get("SERVICES") in ("api-gateway", "ingest") and "MONGODB_URI" in env:
            yield f"{process} knows a store that it does not need"


def dump(*rendered):
    """Print all environments for names.ts. Not a check: it never finds anything."""
    print(json.dumps([{"process": process, "env": image_env() | env} for process, env in every(rendered)]))
    return []


if __name__ == "__main__":
    run({check.__name__: check for check in (known, documented, passed, probed, dump)})

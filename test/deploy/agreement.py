"""Whether the files agree with each other and with the code: ports, paths, hosts, users, mounts, policies, memory, time to end."""

import json
import re
from urllib.parse import urlsplit

import environments
import manifests
from common import ROOT, SERVICES, TABLES, load, mib, run

# MiB. Resident memory of one process of a cluster at rest, and the least limit that leaves room for its bounds
# on bodies and answers (HTTP_MAX_BODY_BYTES_IN_FLIGHT, ANSWER_MAX_BYTES_UNDER_WAY, CACHE_MAX_BYTES) besides.
AT_REST = 128
LEAST_LIMIT = 384
# Of one process that runs everything: its peak under load in the README.
LEAST_LIMIT_OF_ALL = 512
# Of the servers, MiB: below these they do not start or are killed when they first have something to do.
LEAST_OF_SERVERS = {"rabbitmq": 512, "mongodb": 1024, "redis": 64, "prometheus": 256, "grafana": 256}
# Where they listen, and where their images keep their data.
SERVER_PORTS = {"rabbitmq": 5672, "mongodb": 27017, "redis": 6379}
DATA_FOLDERS = {"rabbitmq": {"/var/lib/rabbitmq"}, "mongodb": {"/data/db", "/data/configdb"}, "grafana": {"/var/lib/grafana"}}
RABBITMQ_METRICS = 15692
REACHED = ("RABBITMQ_URL", "MONGODB_URI", "REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT")
STOPS_WITHIN = TABLES["stopWithinMs"] / 1000


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|)", str(text)).groups()
    return int(number) * {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600}[unit]


def stage():
    """The Dockerfile's last stage, and what it sets."""
    text = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.M)[-1]
    return text, environments.image_env()


def image():
    """The image starts the service as its user, may write its data folder, and is asked where it answers."""
    text, env = stage()
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.M).group(1))
    start = load_json("package.json")["scripts"]["start"].split("exec ", 1)[1]
    built = start.replace("moleculer.config.ts", "dist/moleculer.config.js").split()
    if entry != built:
        yield f"ENTRYPOINT is {' '.join(entry)}, and npm start would be {' '.join(built)}"
    if not (ROOT / "moleculer.config.ts").exists():
        yield "there is no moleculer.config.ts"
    owner = re.search(r"install -d -o (\w+) -g (\w+) -m (\d+) (\S+)", text)
    if not owner or owner.groups() != ("node", "node", "700", env["DATA_DIR"]):
        yield f"{env['DATA_DIR']} is not made for the user node alone"
    if not re.search(r"^USER 1000:1000$", text, re.M):
        yield "the user is not 1000, which `node` is"
    if f"EXPOSE {TABLES['port']}\n" not in text:
        yield f"EXPOSE is not {TABLES['port']}, the default of PORT"
    if re.search(r"^VOLUME", text, re.M):
        yield "VOLUME leaves a volume behind for each process that writes nothing"
    for source in re.findall(r"^COPY (?!--from|--chmod)(.*)$", text, re.M):
        yield f"{source} keeps the modes of the checkout"
    copied = " ".join(re.findall(r"^COPY (.*)$", text, re.M))
    check = json.loads(re.search(r"^HEALTHCHECK .*?CMD (.*)$", text, re.M | re.S).group(1).splitlines()[0])
    if not (check[0] == "node" and f"/{check[1]} " in copied):
        yield f"HEALTHCHECK runs {check[1]}, which is not copied"
    asked = set(re.findall(r'"(/health[^"]*)"', (ROOT / "docs/deploy/healthcheck.mjs").read_text()))
    if asked != {"/health/live", "/health/ready"} or not asked <= set(TABLES["paths"]):
        yield f"the health check asks {sorted(asked)}"
    for name in re.findall(r"^const \{ (SERVICES.*?) \} = process.env", (ROOT / "docs/deploy/healthcheck.mjs").read_text(), re.M):
        if f'PORT = "{TABLES["port"]}"' not in name:
            yield "the health check has another default port than the service"


def load_json(path):
    return json.loads((ROOT / path).read_text())


def unit():
    """The systemd unit starts what the image starts, with the same variables, and leaves time and memory."""
    text, env = stage()
    service = (ROOT / "docs/deploy/analytics.service").read_text()
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.M).group(1))
    value = dict(re.findall(r"^(\w+)=(.*)$", service, re.M))
    if value["ExecStart"] != " ".join(["/opt/analytics/node_modules/.bin/node", *entry[1:]]):
        yield "ExecStart is not what the image starts"
    own = dict(pair.split("=", 1) for line in re.findall(r"^Environment=(.*)$", service, re.M) for pair in line.split())
    wanted = {name: text for name, text in env.items() if name not in ("HOST", "DATA_DIR")}
    if own != wanted | {"DATA_DIR": f"/var/lib/{value['StateDirectory']}"}:
        yield f"its variables are {own}"
    if seconds(value["TimeoutStopSec"]) < STOPS_WITHIN:
        yield "it is killed before it has ended"
    if mib(value["MemoryMax"]) < LEAST_LIMIT_OF_ALL:
        yield f"MemoryMax is below {LEAST_LIMIT_OF_ALL} MiB"
    # Without AF_NETLINK `os.networkInterfaces()` throws, which Moleculer calls as it starts.
    lacking = {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"} - set(value["RestrictAddressFamilies"].split())
    if lacking:
        yield f"its sockets may not be {' '.join(sorted(lacking))}"
    if value.get("MemoryDenyWriteExecute", "false") not in ("false", "no", "off", "0"):
        yield "MemoryDenyWriteExecute forbids V8 to compile"


def compose():
    """Compose: addresses lead to servers that are there, with their users; mounts, ports, memory and time fit."""
    file = load("docker-compose.yml")
    services = file["services"]
    for name in SERVICES:
        service = services[name]
        if seconds(service.get("stop_grace_period", "10s")) < STOPS_WITHIN:
            yield f"{name} is killed before it has ended"
        if mib(service["mem_limit"]) < LEAST_LIMIT:
            yield f"{name}: a limit below {LEAST_LIMIT} MiB"
        for variable in ("RABBITMQ_URL", "MONGODB_URI", "REDIS_URL"):
            if variable in service["environment"]:
                yield from (f"{name}: {variable} {what}" for what in leads(service, variable, services))
    gateway = services["api-gateway"]
    for published, target in (("api-gateway", gateway["environment"]["PORT"]), ("grafana", "3000")):
        for port in services[published]["ports"]:
            if port.rsplit(":", 1)[1] != target:
                yield f"{published} is published at {port}, and listens on {target}"
    for name, least in LEAST_OF_SERVERS.items():
        if mib(services[name]["mem_limit"]) < least:
            yield f"{name}: a limit below {least} MiB"
    yield from mounts(services)
    yield from scraped(services)
    total = sum(mib(service["mem_limit"]) for service in services.values()) / 1024
    if f"are {total:g} GiB together" not in (ROOT / "docs/deploy.md").read_text():
        yield f"the limits are {total:g} GiB together, and docs/deploy.md says something else"


def leads(service, variable, services):
    """What is wrong with an address: its host, port, user, password or database."""
    text = service["environment"][variable]
    address = urlsplit(re.sub(r"\$\{(\w+):\?[^}]*\}", r"\1", text))
    server = services.get(address.hostname)
    if server is None:
        yield f"leads to {address.hostname}, which does not exist"
        return
    if address.port != SERVER_PORTS[address.hostname]:
        yield f"asks port {address.port} of {address.hostname}"
    if not set(server["networks"]) & set(service["networks"]):
        yield f"leads to {address.hostname}, which is on another network"
    if address.hostname not in service["depends_on"]:
        yield f"leads to {address.hostname}, which is not waited for"
    made = server.get("environment", {})
    if f"${{{address.password}:" not in json.dumps(made):
        yield f"has the password {address.password}, which {address.hostname} is not given"
    if address.hostname == "rabbitmq" and made["RABBITMQ_DEFAULT_USER"] != address.username:
        yield f"has the user {address.username}, which RabbitMQ does not make"
    if address.hostname == "mongodb":
        yield from user_of_mongodb(address, server)


def user_of_mongodb(address, server):
    """The user is made by a script that the image runs, and may read and write the database."""
    database = address.path.strip("/")
    scripts = [volume.split(":")[0] for volume in server["volumes"] if volume.split(":")[1] == "/docker-entrypoint-initdb.d"]
    made = "".join(file.read_text() for folder in scripts for file in (ROOT / folder).glob("*.js"))
    found = re.search(r'getSiblingDB\("(\w+)"\)\.createUser\(\{\s*user: "(\w+)",\s*pwd: process\.env\.(\w+),\s*roles: \[\{ role: "(\w+)", db: "(\w+)" \}\]', made)
    if found is None or found.groups() != (database, address.username, address.password, "readWrite", database):
        yield f"has the user {address.username}, for whom no script of the image makes what is needed in {database}"


def mounts(services):
    """Data is kept where the images put it, and configuration is mounted where it is looked for."""
    for name, folders in DATA_FOLDERS.items():
        kept = {volume.split(":")[1] for volume in services[name]["volumes"] if not volume.startswith(".")}
        if kept != folders:
            yield f"{name} keeps {sorted(kept)}, and writes to {sorted(folders)}"
    if "segments:/data" not in services["query"].get("volumes", []):
        yield "query keeps no columns of segments"
    prometheus = services["prometheus"]
    options = dict(line.lstrip("-").split("=", 1) for line in prometheus["command"])
    mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in prometheus["volumes"]}
    folder, file = options["config.file"].rsplit("/", 1)
    if folder not in mounted or not (ROOT / mounted[folder] / file).exists():
        yield f"prometheus reads {options['config.file']}, which is not mounted"
    if options["storage.tsdb.path"] not in mounted:
        yield f"prometheus writes to {options['storage.tsdb.path']}, which is not mounted"
    given = {volume.split(":")[1] for volume in services["grafana"]["volumes"]}
    provider = load("docs/monitoring/grafana/provisioning/dashboards/analytics.yml")["providers"][0]
    for path in ("/etc/grafana/provisioning", provider["options"]["path"]):
        if path not in given:
            yield f"grafana reads {path}, which is not mounted"
    (source,) = load("docs/monitoring/grafana/provisioning/datasources/prometheus.yml")["datasources"]
    if urlsplit(source["url"]).hostname not in services or urlsplit(source["url"]).port != 9090:
        yield f"grafana asks {source['url']}"


def scraped(services):
    """Prometheus asks every process where it answers."""
    jobs = {job["job_name"]: job for job in load("docs/monitoring/prometheus/prometheus.yml")["scrape_configs"]}
    for name in SERVICES:
        env = services[name]["environment"]
        port = int(env["PORT"] if name == "api-gateway" else env["OPS_PORT"])
        (found,) = jobs.get(name, {}).get("dns_sd_configs") or [{}]
        if (found.get("names"), found.get("port")) != ([name], port):
            yield f"prometheus asks {found.get('names')} at {found.get('port')} for {name}, which answers at {port}"
        if "metrics_path" in jobs.get(name, {}) and jobs[name]["metrics_path"] not in TABLES["paths"]:
            yield f"prometheus asks {name} for {jobs[name]['metrics_path']}"
    (target,) = jobs["rabbitmq"]["static_configs"][0]["targets"]
    if target != f"rabbitmq:{RABBITMQ_METRICS}":
        yield f"prometheus asks {target} for RabbitMQ"


def rendered(path):
    """Manifests: probes ask what answers, policies let through what is needed, memory and time to end suffice."""
    everything = manifests.Manifests(path)
    environment = {where.rsplit(" ", 1)[1]: env for where, env in environments.of_manifests(path)}
    policies = [policy["spec"] for policy in everything.of("NetworkPolicy")]
    for workload in everything.ours():
        name, where = workload["metadata"]["name"], manifests.named(workload)
        (container,) = manifests.pod(workload)["containers"]
        env = environment[name]
        port = ("http", int(env["PORT"])) if name == "api-gateway" else ("ops", int(env["OPS_PORT"]))
        if [(p["name"], p["containerPort"]) for p in container["ports"]] != [port]:
            yield f"{where} listens on {port}, and names {container['ports']}"
        ready = "/health/live" if name == "api-gateway" else "/health/ready"
        for probe, path_ in (("livenessProbe", "/health/live"), ("readinessProbe", ready)):
            get = container[probe]["httpGet"]
            if (get["path"], get["port"]) != (path_, port[0]) or get["path"] not in TABLES["paths"]:
                yield f"{where}: {probe} asks {get['path']} at {get['port']}"
        get = container["startupProbe"]["httpGet"]
        if get["path"] not in TABLES["paths"] or get["port"] != port[0]:
            yield f"{where}: startupProbe asks {get['path']} at {get['port']}"
        yield from (f"{where}: {what}" for what in memory(container["resources"]))
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if manifests.pod(workload).get("terminationGracePeriodSeconds", 30) < pause + STOPS_WITHIN:
            yield f"{where} is killed before it has ended"
        pod = manifests.labels(workload)
        needed = {53} | {urlsplit(env[url]).port for url in REACHED if env.get(url)}
        for target in sorted(needed - opened(policies, pod, "Egress", {})):
            yield f"{where} may not reach port {target}"
        if port[1] not in opened(policies, pod, "Ingress", dict([port]), "monitoring"):
            yield f"{where}: Prometheus may not scrape port {port[1]}"
        if name == "api-gateway" and port[1] not in opened(policies, pod, "Ingress", dict([port]), "ingress-nginx"):
            yield f"{where}: the ingress controller may not reach port {port[1]}"
    yield from servers(everything, policies)
    for monitor in everything.of("ServiceMonitor"):
        for endpoint in monitor["spec"]["endpoints"]:
            if endpoint["path"] not in TABLES["paths"]:
                yield f"{manifests.named(monitor)} asks for {endpoint['path']}"


def memory(resources):
    limit, asked = mib(resources["limits"]["memory"]), mib(resources["requests"]["memory"])
    if limit < LEAST_LIMIT:
        yield f"a limit below {LEAST_LIMIT} MiB"
    if not AT_REST <= asked <= limit:
        yield f"it asks for {asked:g} MiB, and has {AT_REST} at rest"


def opened(policies, pod, direction, names, namespace=None):
    """The ports that policies open for a pod; `names` are its own ports, `namespace` is who asks from outside."""
    found = set()
    for policy in policies:
        if direction not in policy["policyTypes"] or not chosen(policy["podSelector"], pod):
            continue
        for rule in policy.get(direction.lower(), []):
            who = json.dumps(rule.get("from", []))
            if namespace and f'"kubernetes.io/metadata.name": "{namespace}"' not in who:
                continue
            found |= {names.get(port["port"], port["port"]) for port in rule.get("ports", [])}
    return found


def chosen(selector, pod):
    one_of = all(pod.get(e["key"]) in e["values"] for e in selector.get("matchExpressions", []))
    return one_of and all(pod.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def servers(everything, policies):
    """The overlay's own servers: their ports, mounts, memory, and that our pods are let in."""
    text = (ROOT / "docs/deploy.md").read_text()
    services = {service["metadata"]["name"]: service for service in everything.of("Service")}
    for workload in everything.workloads():
        name = workload["metadata"]["name"]
        if name not in SERVER_PORTS:
            continue
        where = manifests.named(workload)
        (container,) = manifests.pod(workload)["containers"]
        names = {port["name"]: port["containerPort"] for port in container["ports"]}
        if SERVER_PORTS[name] not in names.values():
            yield f"{where} names {names}, and listens on {SERVER_PORTS[name]}"
        offered = {port["port"]: names.get(port["targetPort"]) for port in services[name]["spec"]["ports"]}
        if offered.get(SERVER_PORTS[name]) != SERVER_PORTS[name]:
            yield f"Service {name} offers {offered}"
        if not re.search(rf"://[^/\s]*@{name}:{SERVER_PORTS[name]}\b", text):
            yield f"docs/deploy.md has no address that leads to {name}:{SERVER_PORTS[name]}"
        if SERVER_PORTS[name] not in opened(policies, manifests.labels(workload), "Ingress", names):
            yield f"{where}: nobody may reach port {SERVER_PORTS[name]}"
        if mib(container["resources"]["limits"]["memory"]) < LEAST_OF_SERVERS[name]:
            yield f"{where}: a limit below {LEAST_OF_SERVERS[name]} MiB"
        kept = {mount["mountPath"] for mount in container.get("volumeMounts", [])}
        if not DATA_FOLDERS.get(name, set()) <= kept:
            yield f"{where} keeps {sorted(kept)}, and writes to {sorted(DATA_FOLDERS[name])}"
        if name == "rabbitmq" and names.get("metrics") != RABBITMQ_METRICS:
            yield f"{where} has no port {RABBITMQ_METRICS} for its metrics"


def asked(path, overlay):
    """docs/deploy.md says how much of a cluster the overlay asks for."""
    everything = manifests.Manifests(path)
    scaled = {s["spec"]["scaleTargetRef"]["name"]: s["spec"] for s in everything.of("HorizontalPodAutoscaler", "ScaledObject")}
    least, most = [0, 0], [0, 0]
    for workload in everything.workloads():
        spec = scaled.get(workload["metadata"]["name"], {})
        fixed = workload["spec"].get("replicas", 1)
        low = spec.get("minReplicas", spec.get("minReplicaCount", fixed))
        high = spec.get("maxReplicas", spec.get("maxReplicaCount", fixed))
        requests = manifests.pod(workload)["containers"][0]["resources"]["requests"]
        one = [int(requests["cpu"].removesuffix("m")) / 1000, mib(requests["memory"]) / 1024]
        least = [sum_ + low * each for sum_, each in zip(least, one)]
        most = [sum_ + high * each for sum_, each in zip(most, one)]
    row = re.search(r"^\| requests \| (.*?) \| (.*?) \|$", (ROOT / "docs/deploy.md").read_text(), re.M)
    cell = row[1 if overlay == "dev" else 2]
    found = [float(number) for number in re.findall(r"([\d.]+) (?:cores?|GiB)", cell)]
    wanted = [round(number, 1) for number in (least if overlay == "dev" else least + most)]
    if found != wanted:
        yield f"docs/deploy.md says {found} cores and GiB, and {overlay} asks for {wanted}"


if __name__ == "__main__":
    run({check.__name__: check for check in (image, unit, compose, rendered, asked)})

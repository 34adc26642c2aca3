"""Rendered Kubernetes manifests: what refers to what, and what every pod of ours must have."""

import json

from common import SERVICES, TABLES, load_all, mib, run

# What docs/deploy.md says how to make.
SECRETS = {
    "analytics": {"API_KEYS", "RABBITMQ_URL", "MONGODB_URI", "REDIS_URL"},
    "analytics-servers": {"RABBITMQ_PASSWORD", "MONGODB_PASSWORD", "REDIS_PASSWORD"},
}


class Manifests:
    def __init__(self, path):
        self.all = load_all(path)

    def of(self, *kinds):
        return [document for document in self.all if document["kind"] in kinds]

    def workloads(self):
        return self.of("Deployment", "StatefulSet")

    def ours(self):
        return [w for w in self.of("Deployment") if labels(w).get("app.kubernetes.io/name") == "analytics"]


def named(document):
    return f"{document['kind']} {document['metadata']['name']}"


def pod(workload):
    return workload["spec"]["template"]["spec"]


def labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def ports(workload):
    return {port["name"] for container in pod(workload)["containers"] for port in container.get("ports", [])}


def selects(selector, candidate):
    return selector and all(candidate.get(key) == value for key, value in selector.items())


def references(path):
    """Whatever is named exists: pods behind selectors, ports, targets of autoscalers, configuration."""
    manifests = Manifests(path)
    workloads = manifests.workloads()
    for service in manifests.of("Service"):
        behind = [w for w in workloads if selects(service["spec"]["selector"], labels(w))]
        if len(behind) != 1:
            yield f"{named(service)} selects {len(behind)} workloads"
        for port in service["spec"]["ports"]:
            for workload in behind:
                if port["targetPort"] not in ports(workload):
                    yield f"{named(service)}: {named(workload)} has no port {port['targetPort']}"
    for workload in workloads:
        if not selects(workload["spec"]["selector"]["matchLabels"], labels(workload)):
            yield f"{named(workload)} does not select its own pods"
    for budget in manifests.of("PodDisruptionBudget"):
        if sum(bool(selects(budget["spec"]["selector"]["matchLabels"], labels(w))) for w in workloads) != 1:
            yield f"{named(budget)} does not select one workload"
    names = {(w["kind"], w["metadata"]["name"]) for w in workloads}
    for scaler in manifests.of("HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        if (target.get("kind", "Deployment"), target["name"]) not in names:
            yield f"{named(scaler)}: there is no {target['name']}"
        for workload in workloads:
            if workload["metadata"]["name"] == target["name"] and "replicas" in workload["spec"]:
                yield f"{named(workload)} fixes a number of replicas that {named(scaler)} changes"
    yield from references_of_crds(manifests)
    services = {s["metadata"]["name"]: s for s in manifests.of("Service")}
    for ingress in manifests.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path_ in rule["http"]["paths"]:
                backend = path_["backend"]["service"]
                offered = {port["name"] for port in services.get(backend["name"], {"spec": {"ports": []}})["spec"]["ports"]}
                if backend["port"]["name"] not in offered:
                    yield f"{named(ingress)}: there is no {backend['name']}:{backend['port']['name']}"
    configured = {document["metadata"]["name"] for document in manifests.of("ConfigMap")}
    for workload in workloads:
        for container in pod(workload)["containers"]:
            for source in container.get("envFrom", []):
                if source["configMapRef"]["name"] not in configured:
                    yield f"{named(workload)}: there is no ConfigMap {source['configMapRef']['name']}"
            for variable in container.get("env", []):
                secret = variable.get("valueFrom", {}).get("secretKeyRef")
                if secret and secret["key"] not in SECRETS.get(secret["name"], ()):
                    yield f"{named(workload)}: no documented Secret {secret['name']} has {secret['key']}"


def references_of_crds(manifests):
    authentications = {a["metadata"]["name"]: a for a in manifests.of("TriggerAuthentication")}
    for scaled in manifests.of("ScaledObject"):
        for trigger in scaled["spec"]["triggers"]:
            if trigger["authenticationRef"]["name"] not in authentications:
                yield f"{named(scaled)}: there is no {trigger['authenticationRef']['name']}"
            names = {c["data"].get("CLUSTER_NAME") for c in manifests.of("ConfigMap")}
            if trigger["metadata"]["queueName"] not in {f"{name}.events.raw" for name in names}:
                yield f"{named(scaled)}: {trigger['metadata']['queueName']} is not the cluster's queue"
    for authentication in authentications.values():
        for target in authentication["spec"]["secretTargetRef"]:
            if target["key"] not in SECRETS.get(target["name"], ()):
                yield f"{named(authentication)}: no documented Secret has {target['key']}"
    for monitor in manifests.of("ServiceMonitor"):
        watched = [
            s for s in manifests.of("Service")
            if selects(monitor["spec"]["selector"]["matchLabels"], s["metadata"].get("labels", {}))
        ]
        jobs = {s["metadata"]["labels"].get(monitor["spec"]["jobLabel"]) for s in watched}
        if jobs != set(SERVICES):
            yield f"{named(monitor)} watches {sorted(map(str, jobs))}"
        endpoints = {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]}
        for service in watched:
            if not endpoints & {port["name"] for port in service["spec"]["ports"]}:
                yield f"{named(monitor)} has no port of {named(service)}"


def caches(where, spec):
    """What query nodes keep of segments lies where they write, with room for an eighth more than they keep."""
    (container,) = spec["containers"]
    folders = {mount["name"] for mount in container.get("volumeMounts", []) if mount["mountPath"] == "/data"}
    limits = [v["emptyDir"].get("sizeLimit", "0") for v in spec.get("volumes", []) if v["name"] in folders]
    if [mib(limit) * 1024**2 >= 9 / 8 * TABLES["segmentCacheBytes"] for limit in limits] != [True]:
        yield f"{where} has no room in /data for SEGMENT_CACHE_BYTES"


def pods(path, copies):
    """What every pod has: no root, probes, resources, time to drain; and `copies` of each service at least."""
    manifests = Manifests(path)
    if {labels(w)["app.kubernetes.io/component"] for w in manifests.ours()} != set(SERVICES):
        yield "not every service has a Deployment"
    for workload in manifests.workloads():
        where, spec = named(workload), pod(workload)
        if labels(workload).get("app.kubernetes.io/component") == "query" and workload in manifests.ours():
            yield from caches(where, spec)
        context = spec.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield f"{where} may run as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{where} has no seccomp profile"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{where} is given a token"
        if spec.get("enableServiceLinks") is not False:
            yield f"{where} is given variables of other services"
        for container in spec["containers"]:
            own = container.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities", {}).get("drop") != ["ALL"]:
                yield f"{where} keeps privileges"
            if workload in manifests.ours() and own.get("readOnlyRootFilesystem") is not True:
                yield f"{where} may write to its root"
            for probe in ("livenessProbe", "readinessProbe"):
                if probe not in container:
                    yield f"{where} has no {probe}"
            resources = container.get("resources", {})
            if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
                yield f"{where} does not say what it needs"
            pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            if labels(workload).get("app.kubernetes.io/component") == "api-gateway" and pause < 5:
                yield f"{where} ends before the proxies know"
    scaled = {
        s["spec"]["scaleTargetRef"]["name"]: s["spec"].get("minReplicas", s["spec"].get("minReplicaCount"))
        for s in manifests.of("HorizontalPodAutoscaler", "ScaledObject")
    }
    for workload in manifests.ours():
        name = workload["metadata"]["name"]
        if scaled.get(name, workload["spec"].get("replicas", 1)) < int(copies):
            yield f"{named(workload)} runs less than {copies} times"
        budgets = [b for b in manifests.of("PodDisruptionBudget") if b["metadata"]["name"] == name]
        if int(copies) > 1 and not (budgets and pod(workload).get("topologySpreadConstraints")):
            yield f"{named(workload)} has no disruption budget or is not spread"
    denies = [
        policy["spec"] for policy in manifests.of("NetworkPolicy")
        if policy["spec"]["podSelector"] == {} and not {"ingress", "egress"} & set(policy["spec"])
    ]
    if not any(set(spec["policyTypes"]) == {"Ingress", "Egress"} for spec in denies):
        yield "nothing is denied by default"
    for secret in manifests.of("Secret"):
        yield f"{named(secret)} is in the repository"


def custom(path, folder):
    """Write each custom resource to a file of its own, named after its kind, for a JSON schema."""
    for kind in ("ScaledObject", "TriggerAuthentication", "ServiceMonitor"):
        found = Manifests(path).of(kind)
        if len(found) != 1:
            yield f"there are {len(found)} of {kind}"
        for document in found:
            with open(f"{folder}/{kind}.json", "w", encoding="utf-8") as file:
                json.dump(document, file)


if __name__ == "__main__":
    run({check.__name__: check for check in (references, pods, custom)})

"""
The chart is rendered by Helm for several files of values, compared with what is kept, and validated by Kubernetes' schemas.

`RECORD=1` writes the rendered files anew. Read each difference.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from copy import deepcopy
from typing import Any

import kubernetes_validate
import pytest
import sqlalchemy as sa

from service.limits import SHUTDOWN_SECONDS, WORKER_CLOSING_SECONDS
from service.settings import Settings
from service.settings.settings_sources import PREFIX, settings_from
from tests.doors.rendered_chart import (
    BROUGHT,
    CASES,
    CHART,
    DOORS,
    KUBECTL,
    NEWEST,
    OLDEST,
    RENDERED,
    helm,
    objects,
    of_kind,
    pods,
    rendered,
    service,
    template,
    unknown_members,
    values_of,
    variables,
)
from tests.pages import Block, blocks

PAGE = "service/docs/kubernetes.md"
RECORD = bool(os.environ.get("RECORD"))
DATABASES = {"postgresql": "Deployment", "shared-key": "Deployment"}  # all other cases have a StatefulSet
# Asks the schemas that others bring. What is printed is a sentence for each object, or nothing.
SCRIPT = """
import {HTTPRoute} from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import {ServiceMonitor} from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import {readFileSync} from "node:fs";
const kinds = {HTTPRoute, ServiceMonitor};
for (const {apiVersion, kind, ...rest} of JSON.parse(readFileSync(0, "utf8"))) {
  try { new kinds[kind](rest).validate(); console.log(""); } catch (refused) { console.log(refused.message); }
}
"""


# --- Helm ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_helm_finds_nothing_wrong(case: str) -> None:
    """`helm lint --strict` makes an error of each warning. It wants an icon, which the project does not have."""
    done = helm("lint", str(CHART), "--strict", "--namespace", "pdp", "--values", "-", given=values_of(case))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 chart(s) linted, 0 chart(s) failed" in done.stdout


@pytest.mark.parametrize("case", CASES)
def test_the_rendered_files_are_those_that_are_kept(case: str) -> None:
    """Whoever changes the chart reads what changes in a cluster."""
    kept = RENDERED / f"{case}.yaml"
    if RECORD:
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(rendered(case), encoding="utf-8")
    assert kept.read_text("utf-8") == rendered(case)


def test_the_notes_say_what_to_do_next() -> None:
    """What Helm prints after an installation: the address, how to make a key, and what to keep."""
    for case, words in {
        "sqlite": ("http://release-fifthfactor.pdp.svc:8080", "firstKey.enabled=true", "data-release-fifthfactor-0"),
        "tls": ("https://release-fifthfactor.pdp.svc:8443", "Ingress for pdp.example.org"),
        "postgresql": ("Secret fifthfactor-log", "set witnesses"),
        "shared-key": ("in the claim log-key",),
        "outward": ("HTTPRoute for pdp.example.org",),
        "open": ("logs job/gate-first-key", "the claim kept"),
    }.items():
        arguments = ("install", "release", str(CHART), "--namespace", "pdp", "--dry-run=client", "--values", "-")
        done = helm(*arguments, given=values_of(case))
        assert done.returncode == 0, done.stderr
        notes = done.stdout.partition("NOTES:")[2]
        assert [each for each in words if each not in notes] == [], notes
        assert "No answer is legal advice" in notes


@pytest.mark.parametrize("block", [each for each in blocks(PAGE) if each.kind == "yaml values"], ids=str)
def test_the_values_on_the_page_are_good(block: Block) -> None:
    """Each block by itself; and Kubernetes knows what comes of it."""
    done = template(block.text)
    assert done.returncode == 0, done.stderr
    assert [found for each in objects(done.stdout) if each["kind"] not in BROUGHT for found in unknown_members(each)] == []


def test_the_commands_on_the_page_name_real_values() -> None:
    """`helm install` and `helm upgrade` as the page has them render the chart, and make the objects that it names."""
    text = "".join(each.text for each in blocks(PAGE) if each.kind == "sh kubernetes").replace("\\\n", " ")
    commands = [shlex.split(line) for line in text.splitlines() if line.startswith(("helm install", "helm upgrade"))]
    assert len(commands) == 2
    made = set()
    for _, _, release, chart, *options in commands:
        kept = [each for each in options if each not in ("--create-namespace", "--reset-then-reuse-values")]
        done = helm("template", release, chart, *kept)
        assert done.returncode == 0, done.stderr
        made |= {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in objects(done.stdout)}
    assert set(re.findall(r"(?:job|statefulset)/[\w-]+", text)) <= made


# --- Kubernetes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_member_of_every_object(case: str, version: str) -> None:
    """In the oldest and the newest version; a volume from an image is newer than the oldest."""
    for each in objects(rendered(case)):
        if each["kind"] in BROUGHT:
            continue
        found = unknown_members(each, version)
        if version == OLDEST and case == "signed" and each["kind"] == "StatefulSet":
            assert found == ["StatefulSet.spec.template.spec.volumes[1].image"]
            continue
        assert found == []
        assert kubernetes_validate.validate(each, version, strict=True) == version


@pytest.mark.parametrize(
    ("path", "misspelt"),
    [
        (("spec",), "replica"),
        (("spec", "template", "spec"), "enableServiceLink"),
        (("spec", "template", "spec", "containers", 0), "readynessProbe"),
        (("spec", "template", "spec", "containers", 0, "env", 0), "vlaue"),
        (("spec", "template", "spec", "containers", 0, "securityContext", "capabilities"), "dropp"),
        (("spec", "template", "spec", "volumes", 0), "emptydir"),
        (("spec", "template", "spec", "topologySpreadConstraints", 0), "maxskew"),
    ],
)
def test_a_misspelt_member_would_be_found(path: tuple[str | int, ...], misspelt: str) -> None:
    """At any depth, also in a list."""
    (changed,) = deepcopy(of_kind("sqlite", "StatefulSet"))
    at: Any = changed
    for each in path:
        at = at[each]
    at[misspelt] = "x"
    (found,) = unknown_members(changed)
    assert found.endswith(f".{misspelt}")


@pytest.mark.parametrize(("case", "kind"), [("outward", "HTTPRoute"), ("tls", "ServiceMonitor")])
def test_those_who_bring_a_kind_know_every_member_of_it(case: str, kind: str) -> None:
    """The Gateway API and the Prometheus Operator; a wrong type is refused, and each name is one of theirs."""
    (found,) = of_kind(case, kind)
    wrong = deepcopy(found)
    if kind == "HTTPRoute":
        wrong["spec"]["rules"][0]["backendRefs"][0]["port"] = "8080"
    else:
        wrong["spec"]["endpoints"][0]["interval"] = "thirty"
    command = ["node", "--input-type=module", "-e", SCRIPT]
    sent = json.dumps([found, wrong])
    done = subprocess.run(command, input=sent, cwd=DOORS / "npm", capture_output=True, text=True, check=True, timeout=60)
    good, bad = done.stdout.splitlines()
    assert (good, "must" in bad) == ("", True)
    declared = "\n".join(
        each.read_text("utf-8") for each in (DOORS / "npm/node_modules/@kubernetes-models" / BROUGHT[kind]).rglob("*.d.ts")
    )
    names = set(re.findall(r'^\s+"?(\w+)"?\??: ', declared, re.MULTILINE))
    assert len(names) > 100
    assert set(_names({name: each for name, each in found["spec"].items() if name != "selector"})) <= names


def _names(thing: Any) -> list[str]:
    if isinstance(thing, dict):
        return [*thing, *(name for each in thing.values() for name in _names(each))]
    return [name for each in thing for name in _names(each)] if isinstance(thing, list) else []


@pytest.mark.parametrize("case", CASES)
def test_kubectl_reads_the_pods_as_kubernetes_types(case: str) -> None:
    """It lists the variables, and gives back all that it understood. (`--dry-run=client` asks a server, which is not here.)"""
    for each in objects(rendered(case)):
        if each["kind"] not in ("Deployment", "Job", "StatefulSet"):
            continue
        sent = json.dumps(each)
        listed = _kubectl("set", "env", "--local", "-f", "-", "--list", given=sent)
        (container,) = each["spec"]["template"]["spec"]["containers"]
        names = re.findall(r"^(?:# )?(\w+)(?:=| from secret )", listed.partition("\n")[2], re.MULTILINE)
        assert sorted(names) == sorted(variables(container))
        changed = _kubectl("set", "image", "--local", "-f", "-", f"{container['name']}=other", "-o", "json", given=sent)
        assert _lost(each, json.loads(changed)) == [f".spec.template.spec.containers[].image: {container['image']} other"]


def _kubectl(*arguments: str, given: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "KUBECONFIG": "/dev/null"}
    done = subprocess.run(
        [str(KUBECTL), *arguments], input=given, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def _lost(before: Any, after: Any, at: str = "") -> list[str]:
    """What is not in the object any more. A quantity may be written otherwise."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [lost for name, each in before.items() for lost in _lost(each, after.get(name), f"{at}.{name}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [lost for old, new in zip(before, after, strict=True) for lost in _lost(old, new, f"{at}[]")]
    return [] if before == after or (before is False and after is None) else [f"{at}: {before} {after}"]


# --- what operators rely on ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_no_pod_may_do_more_than_it_needs(case: str) -> None:
    """The restricted profile of the Pod Security Standards, a read-only root, and no token of Kubernetes."""
    assert {"service"} <= pods(case).keys()
    for pod in pods(case).values():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        own = spec["securityContext"]
        assert (own["runAsNonRoot"], own["runAsUser"], own["runAsGroup"], own["fsGroup"]) == (True, 10001, 10001, 10001)
        assert own["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            mounted = {each["name"] for each in container.get("volumeMounts", ())}
            claimed = {each["metadata"]["name"] for each in _claims(case)}
            assert mounted <= {each["name"] for each in spec.get("volumes", ())} | claimed
            assert {each["name"] for each in spec.get("volumes", ())} <= mounted
        kinds = {kind for each in spec.get("volumes", ()) for kind in each if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "image", "persistentVolumeClaim", "secret"}


def _claims(case: str) -> list[Any]:
    return [claim for each in of_kind(case, "StatefulSet") for claim in each["spec"].get("volumeClaimTemplates", ())]


@pytest.mark.parametrize("case", CASES)
def test_every_variable_is_a_setting_with_a_value_that_the_service_takes(case: str) -> None:
    """A variable that begins with FIFTHFACTOR_ and is no setting would stop the start."""
    for component, pod in pods(case).items():
        if component == "test":
            continue
        (container,) = pod["spec"]["containers"]
        own = {name: value for name, value in variables(container).items() if name.startswith(PREFIX)}
        known = {PREFIX + name.upper() for name in Settings.model_fields}
        assert own.keys() - known == set()
        # A value from a Secret is of the kind that its page shows.
        example = {"DATABASE": "postgresql://user@host/name", "OIDC_CLIENT_SECRET": "x"}
        given = {name: each if isinstance(each, str) else example[name.removeprefix(PREFIX)] for name, each in own.items()}
        settings = settings_from(given)
        assert {"release-fifthfactor.pdp.svc", "gate.pdp.svc"} & settings.host_names
        assert settings.key_required


@pytest.mark.parametrize("case", CASES)
def test_no_secret_stands_in_a_rendered_file(case: str) -> None:
    """A secret is named by the Secret that holds it: no object is a Secret, and no variable that may hold one has a value."""
    assert not {"Secret", "ConfigMap"} & {each["kind"] for each in objects(rendered(case))}
    for pod in pods(case).values():
        for container in pod["spec"]["containers"]:
            for name, value in variables({"env": container.get("env", [])}).items():
                if re.search(r"PASSWORD|TOKEN|HEADERS|SECRET$", name):
                    assert isinstance(value, dict) or value.startswith("/etc/fifthfactor/"), name
                if name == "FIFTHFACTOR_DATABASE":
                    assert isinstance(value, dict) or "://" not in value or sa.make_url(value).password is None


@pytest.mark.parametrize("case", CASES)
def test_there_is_one_writer_or_a_database_that_takes_several(case: str) -> None:
    """SQLite has one pod that is ended before the next one begins; on PostgreSQL none is missing while they change."""
    kind = DATABASES.get(case, "StatefulSet")
    (workload,) = [each for each in objects(rendered(case)) if each["kind"] in ("Deployment", "StatefulSet")]
    assert workload["kind"] == kind
    spec = workload["spec"]
    _, container = service(case)
    if kind == "StatefulSet":
        assert (spec["replicas"], spec["updateStrategy"]) == (1, {"type": "RollingUpdate"})
        assert variables(container)["FIFTHFACTOR_DATABASE"] == "/data/fifthfactor.db"
        assert all(each["spec"]["accessModes"] == ["ReadWriteOnce"] for each in _claims(case))
        assert not of_kind(case, "PodDisruptionBudget") + of_kind(case, "HorizontalPodAutoscaler")
    else:
        assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        assert variables(container)["FIFTHFACTOR_LOG_KEY"] == "/data/log-key/log-key"
        (budget,) = of_kind(case, "PodDisruptionBudget")
        assert budget["spec"]["maxUnavailable"] == 1
        scaled = of_kind(case, "HorizontalPodAutoscaler")
        assert ("replicas" in spec) == (not scaled)
    for each in (*of_kind(case, "PodDisruptionBudget"), *of_kind(case, "Service")):
        selector = each["spec"]["selector"]
        assert spec["selector"]["matchLabels"] in (selector, selector.get("matchLabels"))
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize("drain", [0, 10, 600])
def test_a_pod_is_not_killed_before_it_has_ended(drain: int) -> None:
    """Kubernetes waits for the drain, for the requests under way and for what workers write; then there are some seconds left."""
    done = template(f"drainSeconds: {drain}")
    (workload,) = [each for each in objects(done.stdout) if each["kind"] == "StatefulSet"]
    spec = workload["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert float(variables(container)["FIFTHFACTOR_DRAIN_SECONDS"]) == drain
    assert "lifecycle" not in container  # the service itself still takes requests after the signal
    longest = drain + SHUTDOWN_SECONDS + WORKER_CLOSING_SECONDS
    assert longest < spec["terminationGracePeriodSeconds"] <= longest + 10


@pytest.mark.parametrize("case", CASES)
def test_the_network_policy_lets_through_what_is_needed(case: str) -> None:
    """In: the port of the service. Out: names, the database, and what settings call. Without it there is none."""
    found = of_kind(case, "NetworkPolicy")
    if case == "open":
        assert found == []
        return
    spec = found[0]["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    for pod in pods(case).values():
        assert spec["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert [rule["ports"] for rule in spec["ingress"]] == [[{"port": 8080, "protocol": "TCP"}]]
    assert all("from" in rule and rule["from"] for rule in spec["ingress"])
    out = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
    more = {"postgresql": {5432}, "shared-key": {6432}, "outward": {443, 8443, 4318}}
    assert out == {53, 8080} | more.get(case, set())

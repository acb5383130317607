"""Values that make no sense are refused by Helm before anything is installed, and its message names the place."""

from __future__ import annotations

import pytest

from tests.doors.rendered_chart import template

POSTGRESQL = "database: {kind: postgresql, postgresql: {secret: db}, logKey: {secret: log}}"
SIGNED = "files: {bundle_keys: {configMap: keys, keys: [a.pub]}}"

REFUSED = [
    # A name that is none of the chart's, at any depth.
    ("replicaCount: 3", "additional properties 'replicaCount' not allowed"),
    ("image: {name: fifthfactor}", "at '/image': additional properties 'name' not allowed"),
    ("database: {sqlite: {sise: 1Gi}}", "at '/database/sqlite': additional properties 'sise' not allowed"),
    ("networkPolicy: {enable: true}", "at '/networkPolicy': additional properties 'enable' not allowed"),
    # One writer on SQLite.
    ("replicas: 2", "at '/replicas': maximum: got 2, want 1"),
    ("autoscaling: {enabled: true}", "at '/autoscaling/enabled': value must be false"),
    ("database: {postgresql: {secret: db}}", "at '/database/postgresql/secret': maxLength: got 2, want 0"),
    ("database: {sqlite: {accessModes: [ReadWriteMany]}}", "at '/database/sqlite/accessModes/0': value must be one of"),
    # PostgreSQL needs its address and the log's key, from one place each.
    ("database: {kind: postgresql, logKey: {secret: log}}", "at '/database/postgresql': 'oneOf' failed"),
    (
        "database: {kind: postgresql, postgresql: {address: 'postgresql://u:hunter2@h/n'}, logKey: {secret: log}}",
        "at '/database/postgresql/address': 'not' failed",
    ),
    (
        "database: {kind: postgresql, postgresql: {address: 'postgresql://h/n?password=hunter2'}, logKey: {secret: log}}",
        "at '/database/postgresql/address': 'not' failed",
    ),
    (
        "database: {kind: postgresql, postgresql: {secret: db, address: 'postgresql://u@h/n'}, logKey: {secret: log}}",
        "at '/database/postgresql': 'oneOf' failed",
    ),
    ("database: {kind: postgresql, postgresql: {secret: db}}", "at '/database/logKey': 'oneOf' failed"),
    (
        "database: {kind: postgresql, postgresql: {secret: db}, logKey: {secret: log, existingClaim: log}}",
        "at '/database/logKey': 'oneOf' failed",
    ),
    ("database: {kind: mysql}", "at '/database/kind': value must be one of 'sqlite', 'postgresql'"),
    ("database: {url: 'postgresql://user:password@host/name'}", "at '/database': additional properties 'url' not allowed"),
    # TLS, keys and metrics need a Secret.
    ("tls: {enabled: true}", "at '/tls/secret': minLength: got 0, want 1"),
    ("serviceMonitor: {enabled: true}", "at '/serviceMonitor/secret': minLength: got 0, want 1"),
    ("firstKey: {enabled: true}", "at '/firstKey/expires': minLength: got 0, want 1"),
    ("firstKey: {enabled: true, expires: tomorrow}", "at '/firstKey/expires': 'tomorrow' does not match pattern"),
    ("firstKey: {scopes: [root]}", "at '/firstKey/scopes/0': value must be one of"),
    # Settings: a wrong name, a wrong value, one that the chart gives, a secret by its value.
    ("settings: {organization: x}", "at '/settings': additional properties 'organization' not allowed"),
    ("settings: {sign_off_persons: 3}", "at '/settings/sign_off_persons': maximum: got 3, want 2"),
    ("settings: {trust: certain}", "at '/settings/trust': value must be one of 'confirmed', 'from-memory'"),
    ("settings: {watch: 'maybe'}", "at '/settings/watch': got string, want boolean"),
    ("settings: {port: 9000}", "at '/settings': additional properties 'port' not allowed"),
    ("settings: {database: x.db}", "at '/settings': additional properties 'database' not allowed"),
    ("settings: {oidc_client_secret: hunter2}", "at '/settings': additional properties 'oidc_client_secret' not allowed"),
    ("settings: {webhook_secret: /etc/x}", "at '/settings': additional properties 'webhook_secret' not allowed"),
    ("settings: {webhooks: ['http://hooks.example.org']}", "at '/settings/webhooks/0': 'not' failed"),
    ("settings: {ledger_since: yesterday}", "at '/settings/ledger_since': 'yesterday' does not match pattern"),
    ("fromSecret: {workers: {secret: x, key: y}}", "at '/fromSecret': additional properties 'workers' not allowed"),
    ("fromSecret: {jwks_url: {secret: x}}", "at '/fromSecret/jwks_url': missing property 'key'"),
    ("files: {webhook_secret: {configMap: hooks, keys: [a]}}", "at '/files/webhook_secret': additional properties 'configMap' not"),
    ("files: {witnesses: {secret: a, configMap: b, keys: [c]}}", "at '/files/witnesses': 'oneOf' failed"),
    ("files: {witnesses: {configMap: a, keys: [b, c]}}", "at '/files/witnesses/keys': maxItems: got 2, want 1"),
    ("extraEnv: [{name: FIFTHFACTOR_MODE, value: durable}]", "at '/extraEnv/0/name': 'not' failed"),
    ("extraEnv: [{name: PGPASSWORD, value: hunter2}]", "at '/extraEnv/0': missing property 'valueFrom'"),
    ("extraEnv: [{name: OTEL_EXPORTER_OTLP_HEADERS, value: 'key=1'}]", "at '/extraEnv/0': missing property 'valueFrom'"),
    # Policies.
    ("policies: []", "at '/policies': minItems: got 0, want 1"),
    ("policies: [{configMap: a, claim: b}]", "at '/policies/0': 'oneOf' failed"),
    ("policies: [{configMap: policies, name: policies}]", "at '/policies/0': 'oneOf' failed"),
    ("policies: [{image: 'registry.example.org/law:1'}]", "at '/policies/0': 'oneOf' failed"),
    ("policies: [{claim: a, path: ../etc}]", "at '/policies/0': 'oneOf' failed"),
    ("shadow: [{claim: a, writable: true}]", "at '/shadow/0': 'not' failed"),
    # Names, numbers and lists.
    ("hosts: ['*.example.org']", "at '/hosts/0': '*.example.org' does not match pattern"),
    ("hosts: ['https://pdp.example.org']", "at '/hosts/0': 'https://pdp.example.org' does not match pattern"),
    ("listen: 127.0.0.1", "at '/listen': value must be one of '0.0.0.0', '::'"),
    ("workers: 0", "at '/workers': minimum: got 0, want 1"),
    ("drainSeconds: 601", "at '/drainSeconds': maximum: got 601, want 600"),
    ("image: {digest: latest}", "at '/image/digest': 'latest' does not match pattern"),
    ("ingress: {enabled: true}", "at '/ingress/hosts': minItems: got 0, want 1"),
    ("httpRoute: {enabled: true, hostnames: [a.example.org]}", "at '/httpRoute/parentRefs': minItems: got 0, want 1"),
    ("extraVolumes: [{name: data, emptyDir: {}}]", "at '/extraVolumes/0/name': 'not' failed"),
    ("podAnnotations: {example.org/number: 1}", "at '/podAnnotations/example.org~1number': got number, want string"),
    ("podLabels: {app.kubernetes.io/name: other}", "invalid propertyName 'app.kubernetes.io/name'"),
    ("affinity: {podAntiAfinity: {}}", "at '/affinity': additional properties 'podAntiAfinity' not allowed"),
    # Values that are good one by one.
    (f"{SIGNED}", "with files.bundle_keys only signed bundle files are loaded: name each in policies and shadow with its `path`"),
    (f"{SIGNED}\npolicies: [{{claim: a, path: b.bundle, writable: true}}]", "leave out `writable`"),
    ("policies: [{claim: a, writable: true}, {claim: b, writable: true}]", "policies: one folder at most is `writable`"),
    ("policies: [{claim: a}, {configMap: a}]", "policies: two entries have the name `a`"),
    ("policies: [{configMap: policies}]", "a folder named `policies` would hide the bundled policies"),
    (
        "settings: {jwks_url: 'https://a.example'}\nfromSecret: {jwks_url: {secret: a, key: b}}",
        "`jwks_url` stands in settings and in fromSecret",
    ),
    ("settings: {webhooks: ['https://hooks.example.org']}", "name the file that signs what is sent in files.webhook_secret"),
    (
        "settings: {oidc_issuer: 'https://id.example.org', oidc_client_id: pdp}",
        "for signing in with settings.oidc_issuer, set settings.public_url",
    ),
    (
        "fromSecret: {oidc_client_secret: {secret: a, key: b}}\nfiles: {oidc_client_secret_file: {secret: a, keys: [b]}}",
        "name one of fromSecret.oidc_client_secret and files.oidc_client_secret_file",
    ),
    (f"{POSTGRESQL}\nfiles: {{witness_logs: {{configMap: logs, keys: [a]}}}}", "name a claim in database.logKey.existingClaim"),
    ("ingress: {enabled: true, hosts: [a.example.org]}", "the network policy would keep the ingress controller or the Gateway out"),
    (f"{POSTGRESQL}\nautoscaling: {{enabled: true, minReplicas: 9}}", "autoscaling.minReplicas is greater than autoscaling.maxReplicas"),
    (
        f"{POSTGRESQL}\nautoscaling: {{enabled: true}}\nresources: {{requests: {{cpu: null}}}}",
        "autoscaling measures the use of what is requested: set resources.requests.cpu",
    ),
    (
        "tls: {enabled: true, secret: a}\ningress: {enabled: true, hosts: [a.example.org]}\nnetworkPolicy: {enabled: false}",
        "tell the ingress controller so in ingress.annotations",
    ),
    (
        f"{POSTGRESQL}\nreplicas: 2\npodDisruptionBudget: {{maxUnavailable: 2}}",
        "podDisruptionBudget.maxUnavailable would let all pods be away at once",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=[each for each, _ in REFUSED])
def test_wrong_values_are_refused(values: str, message: str) -> None:
    """Nothing is rendered. A password that stands where none belongs is not repeated: messages of pipelines are kept."""
    done = template(values)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "hunter2" not in done.stderr

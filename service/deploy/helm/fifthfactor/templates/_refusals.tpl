{{/* Values that the schema takes one by one and that make no sense together. Each is refused with a sentence. */}}

{{- define "fifthfactor.refusals" -}}
{{- $signed := hasKey .Values.files "bundle_keys" }}
{{- range $list := list .Values.policies .Values.shadow }}
{{- range $list }}
{{- if and $signed (not .path) }}
{{- fail "with files.bundle_keys only signed bundle files are loaded: name each in policies and shadow with its `path`, and leave out `bundled` and folders" }}
{{- end }}
{{- if and $signed .writable }}
{{- fail "with files.bundle_keys only signed bundle files are loaded: leave out `writable`" }}
{{- end }}
{{- end }}
{{- end }}
{{- if gt (len (include "fifthfactor.writable" .Values.policies | fromJsonArray)) 1 }}
{{- fail "policies: one folder at most is `writable`, that of what the organisation accepts" }}
{{- end }}
{{- range $list := list .Values.policies .Values.shadow }}
{{- $names := dict }}
{{- range $list }}
{{- $name := include "fifthfactor.policyName" . | default "bundled" }}
{{- if hasKey $names $name }}
{{- fail (printf "policies: two entries have the name `%s`: give one of them another `name`" $name) }}
{{- end }}
{{- if and (eq $name "policies") (not .path) }}
{{- fail "a folder named `policies` would hide the bundled policies, which have this name: give it a `name`" }}
{{- end }}
{{- $_ := set $names $name true }}
{{- end }}
{{- end }}
{{- range $key, $_ := .Values.fromSecret }}
{{- if hasKey $.Values.settings $key }}
{{- fail (printf "`%s` stands in settings and in fromSecret: leave it out of one of them" $key) }}
{{- end }}
{{- end }}
{{- $webhooks := or .Values.settings.webhooks .Values.fromSecret.webhooks }}
{{- if and $webhooks (not (hasKey .Values.files "webhook_secret")) }}
{{- fail "to send to webhooks, name the file that signs what is sent in files.webhook_secret" }}
{{- end }}
{{- if and .Values.settings.oidc_issuer (not .Values.settings.public_url) }}
{{- fail "for signing in with settings.oidc_issuer, set settings.public_url: the issuer sends browsers back to that address" }}
{{- end }}
{{- if and .Values.fromSecret.oidc_client_secret (hasKey .Values.files "oidc_client_secret_file") }}
{{- fail "name one of fromSecret.oidc_client_secret and files.oidc_client_secret_file" }}
{{- end }}
{{- if and .Values.database.logKey.secret (hasKey .Values.files "witness_logs") }}
{{- fail "a witness of other logs keeps a key of its own beside the log's key: name a claim in database.logKey.existingClaim in place of the Secret" }}
{{- end }}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) .Values.networkPolicy.enabled (not .Values.networkPolicy.from) }}
{{- fail "the network policy would keep the ingress controller or the Gateway out: name its pods or its namespace in networkPolicy.from" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- fail "autoscaling.minReplicas is greater than autoscaling.maxReplicas" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not (dig "requests" "cpu" "" .Values.resources)) }}
{{- fail "autoscaling measures the use of what is requested: set resources.requests.cpu" }}
{{- end }}
{{- $fewest := ternary .Values.autoscaling.minReplicas .Values.replicas .Values.autoscaling.enabled | int64 }}
{{- if and .Values.podDisruptionBudget.enabled (gt $fewest 1) (ge (int64 .Values.podDisruptionBudget.maxUnavailable) $fewest) }}
{{- fail "podDisruptionBudget.maxUnavailable would let all pods be away at once: make it less than the number of pods" }}
{{- end }}
{{- if and .Values.ingress.enabled .Values.tls.enabled (not .Values.ingress.annotations) }}
{{- fail "the service speaks TLS: tell the ingress controller so in ingress.annotations, such as nginx.ingress.kubernetes.io/backend-protocol: HTTPS" }}
{{- end }}
{{- end }}

{{/* The entries of a list of policies into which the service writes, as JSON. */}}
{{- define "fifthfactor.writable" -}}
{{- $found := list }}
{{- range . }}{{ if .writable }}{{ $found = append $found . }}{{ end }}{{ end }}
{{- toJson $found }}
{{- end }}

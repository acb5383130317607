{{/* Names and labels. */}}

{{- define "fifthfactor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "fifthfactor.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "fifthfactor.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "fifthfactor.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "fifthfactor.selector" -}}
app.kubernetes.io/name: {{ include "fifthfactor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fifthfactor.labels" -}}
{{ include "fifthfactor.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fifthfactor.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "fifthfactor.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "fifthfactor.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "fifthfactor.dataClaim" -}}
{{- default (printf "data-%s-0" (include "fifthfactor.fullname" .)) .Values.database.sqlite.existingClaim }}
{{- end }}

{{- define "fifthfactor.scheme" -}}
{{ ternary "HTTPS" "HTTP" .Values.tls.enabled }}
{{- end }}

{{/* The names that requests may be addressed to, separated by commas: those of the Service, of the Ingress, of the route, and further ones. */}}
{{- define "fifthfactor.hosts" -}}
{{- $name := include "fifthfactor.fullname" . }}
{{- $in := printf "%s.%s" $name .Release.Namespace }}
{{- $names := list $name $in (printf "%s.svc" $in) (printf "%s.svc.cluster.local" $in) }}
{{- if .Values.ingress.enabled }}{{ $names = concat $names .Values.ingress.hosts }}{{ end }}
{{- if .Values.httpRoute.enabled }}{{ $names = concat $names .Values.httpRoute.hostnames }}{{ end }}
{{- concat $names .Values.hosts | uniq | join "," }}
{{- end }}

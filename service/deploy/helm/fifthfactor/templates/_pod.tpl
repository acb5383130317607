{{/* What a pod of the service and the Job of the first key have in common: variables, mounts, volumes, and what they may not do. */}}

{{- define "fifthfactor.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "fifthfactor.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* One value as the text that the service reads. Helm has read every number as a float. */}}
{{- define "fifthfactor.text" -}}
{{- if kindIs "slice" . }}{{ join " " . }}
{{- else if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}
{{- else }}{{ . }}{{ end }}
{{- end }}

{{- define "fifthfactor.env" -}}
- name: FIFTHFACTOR_HOST
  value: {{ .Values.listen | quote }}
- name: FIFTHFACTOR_PORT
  value: "8080"
- name: FIFTHFACTOR_HOSTS
  value: {{ include "fifthfactor.hosts" . | quote }}
- name: FIFTHFACTOR_WORKERS
  value: {{ int64 .Values.workers | quote }}
- name: FIFTHFACTOR_DRAIN_SECONDS
  value: {{ int64 .Values.drainSeconds | quote }}
{{- if eq .Values.database.kind "sqlite" }}
- name: FIFTHFACTOR_DATABASE
  value: /data/fifthfactor.db
{{- else }}
- name: FIFTHFACTOR_DATABASE
  {{- with .Values.database.postgresql.address }}
  value: {{ . | quote }}
  {{- else }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.postgresql.secret }}
      key: {{ .Values.database.postgresql.key }}
  {{- end }}
- name: FIFTHFACTOR_LOG_KEY
  value: /data/log-key/log-key
{{- end }}
- name: FIFTHFACTOR_POLICIES
  value: {{ include "fifthfactor.policyPaths" (dict "entries" .Values.policies "folder" "/etc/fifthfactor/policies") | quote }}
{{- with .Values.shadow }}
- name: FIFTHFACTOR_SHADOW
  value: {{ include "fifthfactor.policyPaths" (dict "entries" . "folder" "/etc/fifthfactor/shadow") | quote }}
{{- end }}
{{- range include "fifthfactor.writable" .Values.policies | fromJsonArray }}
- name: FIFTHFACTOR_ACCEPTANCES
  value: {{ include "fifthfactor.policyPath" (dict "entry" . "folder" "/etc/fifthfactor/policies") | quote }}
{{- end }}
{{- if .Values.tls.enabled }}
- name: FIFTHFACTOR_TLS_CERTIFICATE
  value: /etc/fifthfactor/tls/tls.crt
- name: FIFTHFACTOR_TLS_KEY
  value: /etc/fifthfactor/tls/tls.key
{{- end }}
{{- range $setting, $value := .Values.settings }}
- name: FIFTHFACTOR_{{ upper $setting }}
  value: {{ include "fifthfactor.text" $value | quote }}
{{- end }}
{{- range $setting, $from := .Values.fromSecret }}
- name: FIFTHFACTOR_{{ upper $setting }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
{{- end }}
{{- range $setting, $from := .Values.files }}
{{- $paths := list }}
{{- range $from.keys }}{{ $paths = append $paths (printf "/etc/fifthfactor/%s/%s" (replace "_" "-" $setting) .) }}{{ end }}
- name: FIFTHFACTOR_{{ upper $setting }}
  value: {{ join ":" $paths | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fifthfactor.mounts" -}}
{{- if eq .Values.database.kind "sqlite" }}
- name: data
  mountPath: /data
{{- else }}
- name: log-key
  mountPath: /data/log-key
{{- if .Values.database.logKey.secret }}
- name: log-key-file
  mountPath: /data/log-key/log-key
  subPath: log-key
  readOnly: true
{{- end }}
{{- end }}
- name: tmp
  mountPath: /tmp
{{- include "fifthfactor.policyMounts" (dict "entries" .Values.policies "folder" "/etc/fifthfactor/policies" "prefix" "policies") }}
{{- include "fifthfactor.policyMounts" (dict "entries" .Values.shadow "folder" "/etc/fifthfactor/shadow" "prefix" "shadow") }}
{{- if .Values.tls.enabled }}
- name: tls
  mountPath: /etc/fifthfactor/tls
  readOnly: true
{{- end }}
{{- range $setting, $_ := .Values.files }}
- name: file-{{ replace "_" "-" $setting }}
  mountPath: /etc/fifthfactor/{{ replace "_" "-" $setting }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* All volumes but the claim that a StatefulSet makes for its pod. In: the root, and `claim`, by whose name the data are mounted. */}}
{{- define "fifthfactor.volumes" -}}
{{- $root := .root }}
{{- with $root }}
{{- if eq .Values.database.kind "sqlite" }}
{{- with $.claim }}
- name: data
  persistentVolumeClaim:
    claimName: {{ . }}
{{- end }}
{{- else if .Values.database.logKey.secret }}
- name: log-key
  emptyDir:
    sizeLimit: 1Mi
- name: log-key-file
  secret:
    secretName: {{ .Values.database.logKey.secret }}
    defaultMode: 0440
    items:
      - key: {{ .Values.database.logKey.key }}
        path: log-key
{{- else }}
- name: log-key
  persistentVolumeClaim:
    claimName: {{ .Values.database.logKey.existingClaim }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.tmpSize }}
{{- include "fifthfactor.policyVolumes" (dict "entries" .Values.policies "prefix" "policies") }}
{{- include "fifthfactor.policyVolumes" (dict "entries" .Values.shadow "prefix" "shadow") }}
{{- if .Values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ .Values.tls.secret }}
    defaultMode: 0440
{{- end }}
{{- range $setting, $from := .Values.files }}
- name: file-{{ replace "_" "-" $setting }}
{{- if $from.secret }}
  secret:
    secretName: {{ $from.secret }}
    defaultMode: 0440
{{- else }}
  configMap:
    name: {{ $from.configMap }}
{{- end }}
    items:
{{- range $from.keys }}
      - key: {{ . }}
        path: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The pod of the service. */}}
{{- define "fifthfactor.pod" -}}
metadata:
  labels:
    {{- include "fifthfactor.labels" . | nindent 4 }}
    app.kubernetes.io/component: service
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: fifthfactor
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "fifthfactor.serviceAccountName" . }}
  automountServiceAccountToken: false
  # The variables of a Service named fifthfactor would begin with FIFTHFACTOR_, and the service refuses settings that it does not know.
  enableServiceLinks: false
  # It takes requests until the drain ends, answers those under way for 10 seconds, and its workers write what waits for 20.
  terminationGracePeriodSeconds: {{ add (int64 .Values.drainSeconds) 35 }}
  securityContext:
    {{- include "fifthfactor.podSecurity" . | nindent 4 }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  containers:
    - name: fifthfactor
      image: {{ include "fifthfactor.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve]
      env:
        {{- include "fifthfactor.env" . | nindent 8 }}
      ports:
        - name: {{ lower (include "fifthfactor.scheme" .) }}
          containerPort: 8080
          protocol: TCP
      # It loads the policies before it answers.
      startupProbe:
        httpGet:
          path: /livez
          port: 8080
          scheme: {{ include "fifthfactor.scheme" . }}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: {{ div (int64 .Values.startSeconds) 2 }}
      livenessProbe:
        httpGet:
          path: /livez
          port: 8080
          scheme: {{ include "fifthfactor.scheme" . }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      # It writes to the log and waits 5 seconds for it at most.
      readinessProbe:
        httpGet:
          path: /readyz
          port: 8080
          scheme: {{ include "fifthfactor.scheme" . }}
        periodSeconds: 10
        timeoutSeconds: 6
        failureThreshold: 2
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- include "fifthfactor.containerSecurity" . | nindent 8 }}
      volumeMounts:
        {{- include "fifthfactor.mounts" . | trim | nindent 8 }}
  volumes:
    {{- include "fifthfactor.volumes" (dict "root" . "claim" .Values.database.sqlite.existingClaim) | trim | nindent 4 }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- with .Values.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "fifthfactor.selector" $ | nindent 10 }}
          app.kubernetes.io/component: service
    {{- end }}
    {{- end }}
{{- end }}

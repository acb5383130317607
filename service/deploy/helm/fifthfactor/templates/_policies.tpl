{{/* Lists of policies: each entry is a path for the service, and mostly a volume. In: a list, the entries, and `folder`, where they are mounted. */}}

{{- define "fifthfactor.policyName" -}}
{{- if .name }}{{ .name }}{{ else if .configMap }}{{ .configMap }}{{ else if .claim }}{{ .claim }}{{ end }}
{{- end }}

{{- define "fifthfactor.policyPath" -}}
{{- $entry := .entry }}
{{- if $entry.bundled }}bundled{{ else }}
{{- printf "%s/%s" .folder (include "fifthfactor.policyName" $entry) }}{{ with $entry.path }}/{{ . }}{{ end }}
{{- end }}
{{- end }}

{{- define "fifthfactor.policyPaths" -}}
{{- $folder := .folder }}
{{- $paths := list }}
{{- range .entries }}{{ $paths = append $paths (include "fifthfactor.policyPath" (dict "entry" . "folder" $folder)) }}{{ end }}
{{- join ":" $paths }}
{{- end }}

{{- define "fifthfactor.policyMounts" -}}
{{- $folder := .folder }}
{{- $prefix := .prefix }}
{{- range $number, $entry := .entries }}
{{- if not $entry.bundled }}
- name: {{ $prefix }}-{{ $number }}
  mountPath: {{ $folder }}/{{ include "fifthfactor.policyName" $entry }}
  readOnly: {{ not $entry.writable }}
{{- end }}
{{- end }}
{{- end }}

{{- define "fifthfactor.policyVolumes" -}}
{{- $prefix := .prefix }}
{{- range $number, $entry := .entries }}
{{- if $entry.configMap }}
- name: {{ $prefix }}-{{ $number }}
  configMap:
    name: {{ $entry.configMap }}
{{- else if $entry.claim }}
- name: {{ $prefix }}-{{ $number }}
  persistentVolumeClaim:
    claimName: {{ $entry.claim }}
    readOnly: {{ not $entry.writable }}
{{- else if $entry.image }}
- name: {{ $prefix }}-{{ $number }}
  image:
    reference: {{ $entry.image }}
    pullPolicy: IfNotPresent
{{- end }}
{{- end }}
{{- end }}

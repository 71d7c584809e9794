"""What messages say: templates of Alertmanager, in Go's template language."""

from __future__ import annotations

__all__ = ["TEMPLATES"]

TEMPLATES = """\
{{ define "anytel.title" -}}
[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .CommonLabels.alertname }}
{{- with .CommonLabels.slo }} {{ . }}{{ end }}
{{- with .CommonLabels.service }}, {{ . }}{{ end }}
{{- with .CommonLabels.cluster }} in {{ . }}{{ end }}
{{- end }}

{{ define "anytel.text" -}}
{{ range .Alerts -}}
{{ .Annotations.summary }}
{{ with .Annotations.description }}{{ . }}
{{ end }}Since {{ .StartsAt.UTC.Format "2006-01-02 15:04 MST" }}, severity {{ .Labels.severity }}
{{- with .Labels.owner }}, owner {{ . }}{{ end }}.
{{ with .Annotations.runbook_url }}Runbook: {{ . }}
{{ end }}
{{ end }}
{{- end }}

{{ define "anytel.colour" -}}
{{ if eq .Status "resolved" }}good{{ else if eq .CommonLabels.severity "critical" }}danger{{ else }}warning{{ end }}
{{- end }}

{{ define "anytel.severity" -}}
{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}error{{ end }}
{{- end }}
"""
"""A title and a text for all receivers, a colour for Slack and a severity for PagerDuty."""

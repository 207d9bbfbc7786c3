package main

import (
	"fmt"
	"path"
	"strings"
)

// components are the values that turn components of config/chart on, by the beginnings of the names of their roles and bindings.
var components = map[string]string{
	"rbac/scheduler-":       ".Values.scheduler.enabled",
	"rbac/cluster-loops-":   ".Values.clusterLoops.enabled",
	"rbac/simulated-nodes-": ".Values.simulatedNodes.count",
}

// finish says in the plugin's templates what the plugin cannot know.
func finish(templates map[string]string) error {
	for name, content := range templates {
		content = clusterWide(content)
		for prefix, value := range components {
			if strings.HasPrefix(name, prefix) {
				content = "{{- if " + value + " }}\n" + strings.TrimRight(content, "\n") + "\n{{- end }}\n"
			}
		}
		templates[name] = content
	}
	for _, e := range edits {
		if err := e.apply(templates); err != nil {
			return err
		}
	}
	return nil
}

// clusterWide takes the choice away to have roles in one namespace alone: nodes and volumes are in none, and a manager that may
// not see them comes to nothing.
func clusterWide(content string) string {
	return strings.NewReplacer(
		"{{- if .Values.rbac.namespaced }}\nkind: Role\n{{- else }}\nkind: ClusterRole\n{{- end }}", "kind: ClusterRole",
		"{{- if .Values.rbac.namespaced }}\nkind: RoleBinding\n{{- else }}\nkind: ClusterRoleBinding\n{{- end }}", "kind: ClusterRoleBinding",
		"  {{- if .Values.rbac.namespaced }}\n  kind: Role\n  {{- else }}\n  kind: ClusterRole\n  {{- end }}", "  kind: ClusterRole",
		"\n{{- if .Values.rbac.namespaced }}\n  namespace: {{ .Release.Namespace }}\n{{- end }}", "",
	).Replace(content)
}

// edit replaces a text in the templates of a pattern. Where the text is not, the plugin has changed, and somebody has to look.
type edit struct{ pattern, old, new string }

var edits = []edit{
	// To the plugin's "default true" false is as good as nothing, so that the name was never used.
	{"_helpers.tpl", "(not (.Values.serviceAccount.enabled | default true))", "(not .Values.serviceAccount.enabled)"},
	// Webhooks can be off while cert-manager is on; they are never on without.
	{"manager/manager.yaml", "{{- if .Values.certManager.enabled }}", "{{- if .Values.webhook.enabled }}"},
	{"cert-manager/*.yaml", "{{- if .Values.certManager.enabled }}", "{{- if and .Values.certManager.enabled .Values.webhook.enabled }}"},
	{"prometheus/*.yaml", "{{- if .Values.prometheus.enabled }}", "{{- if and .Values.prometheus.enabled .Values.metrics.enabled }}"},
	{"manager/manager.yaml", "        {{- range .Values.manager.args }}\n        - {{ . }}\n", arguments + "        {{- range .Values.manager.args }}\n        - {{ . | quote }}\n"},
}

// arguments are those of the manager that have values of their own.
const arguments = `        - {{ printf "--controllers=%s" (join "," .Values.controllers) | quote }}
        {{- if .Values.scheduler.enabled }}
        - --scheduler
        {{- end }}
        {{- with .Values.simulatedNodes.count }}
        - --simulated-nodes={{ int . }}
        {{- end }}
        {{- if .Values.clusterLoops.enabled }}
        - --cluster-loops
        {{- end }}
        {{- if .Values.webhook.enabled }}
        - --webhook-port={{ .Values.webhook.port }}
        {{- end }}
`

func (e edit) apply(templates map[string]string) error {
	found := false
	for name, content := range templates {
		if ok, err := path.Match(e.pattern, name); err != nil || !ok || !strings.Contains(content, e.old) {
			continue
		}
		found = true
		templates[name] = strings.ReplaceAll(content, e.old, e.new)
	}
	if !found {
		return fmt.Errorf("editing the templates %s: kubebuilder's plugin no longer writes %q", e.pattern, e.old)
	}
	return nil
}

package main

import (
	"fmt"
	"path"
	"strings"
)

// components are the values that turn components of config/chart on, by the beginnings of the names of their roles and bindings, and of
// what else the plugin has no value for.
var components = map[string]string{
	"rbac/scheduler-":              ".Values.scheduler.enabled",
	"rbac/cluster-loops-":          ".Values.clusterLoops.enabled",
	"rbac/simulated-nodes-":        ".Values.simulatedNodes.count",
	"rbac/webhook-role":            ".Values.webhook.enabled",
	"rbac/webhook-certificates-":   keepsCertificate,
	"rbac/webhook-configurations-": keepsCertificate,
	"extras/webhook-certificate":   keepsCertificate,
}

// keepsCertificate says that the manager keeps the certificate of the webhooks itself.
const keepsCertificate = "and .Values.webhook.enabled (not .Values.certManager.enabled)"

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
	return confine(templates)
}

// managerBinding gives the manager its rights.
const managerBinding = "rbac/manager-rolebinding.yaml"

// confine gives the manager its rights in the namespaces of the values alone, if there are any: a ClusterRole that a RoleBinding grants
// is one of that namespace.
func confine(templates map[string]string) error {
	everywhere, ok := templates[managerBinding]
	if !ok || !strings.Contains(everywhere, "kind: ClusterRoleBinding\nmetadata:\n") {
		return fmt.Errorf("confining the manager to namespaces: %s binds no ClusterRole any more", managerBinding)
	}
	within := strings.NewReplacer(
		"kind: ClusterRoleBinding\nmetadata:\n", "kind: RoleBinding\nmetadata:\n  namespace: {{ . | quote }}\n",
		"{{ .", "{{ $.", `" . }}`, `" $ }}`, // the dot is the namespace
	).Replace(everywhere)
	templates[managerBinding] = "{{- range .Values.namespaces }}\n---\n" + strings.TrimRight(within, "\n") + "\n{{- else }}\n" + strings.TrimRight(everywhere, "\n") + "\n{{- end }}\n"
	return nil
}

// clusterWide takes the choice away to have roles in the release's namespace alone: there is a value for any number of namespaces.
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
	// Webhooks can be off while cert-manager is on.
	{"manager/manager.yaml", "{{- if .Values.certManager.enabled }}", "{{- if and .Values.certManager.enabled .Values.webhook.enabled }}"},
	// The plugin puts the release's name into names, but for those in rules.
	{"rbac/webhook-certificates-role.yaml", "  - orrery-webhook-certificate\n", "  - " + named("webhook-certificate") + "\n"},
	{"rbac/webhook-configurations-role.yaml", "  - orrery-mutating-webhook-configuration\n", "  - " + named("mutating-webhook-configuration") + "\n"},
	{"rbac/webhook-configurations-role.yaml", "  - orrery-validating-webhook-configuration\n", "  - " + named("validating-webhook-configuration") + "\n"},
	{"cert-manager/*.yaml", "{{- if .Values.certManager.enabled }}", "{{- if and .Values.certManager.enabled .Values.webhook.enabled }}"},
	{"prometheus/*.yaml", "{{- if .Values.prometheus.enabled }}", "{{- if and .Values.prometheus.enabled .Values.metrics.enabled }}"},
	{"manager/manager.yaml", "        {{- range .Values.manager.args }}\n        - {{ . }}\n", arguments + "        {{- range .Values.manager.args }}\n        - {{ . | quote }}\n"},
}

// named is what the release calls a resource.
func named(suffix string) string {
	return `{{ include "orrery.resourceName" (dict "suffix" "` + suffix + `" "context" $) }}`
}

// arguments are those of the manager that have values of their own.
const arguments = `        - {{ printf "--controllers=%s" (join "," .Values.controllers) | quote }}
        {{- with .Values.namespaces }}
        - {{ printf "--namespaces=%s" (join "," .) | quote }}
        {{- end }}
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
        {{- if not .Values.certManager.enabled }}
        - --webhook-cert-secret={{ include "orrery.resourceName" (dict "suffix" "webhook-certificate" "context" $) }}
        - --webhook-service={{ include "orrery.resourceName" (dict "suffix" "webhook-service" "context" $) }}
        {{- end }}
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

package cli

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// checkNamespaces refuses names that are none of namespaces, and what cannot be confined to some.
func (o *managerOptions) checkNamespaces() error {
	for _, name := range o.namespaces {
		if wrong := validation.IsDNS1123Label(name); len(wrong) > 0 {
			return fmt.Errorf("--namespaces %q is the name of no namespace: %s", name, strings.Join(wrong, ", "))
		}
	}
	for flag, given := range map[string]bool{
		"--scheduler":           o.scheduler,
		"--simulated-nodes":     o.nodes > 0,
		"--cluster-loops":       o.loops.cluster,
		"--webhook-cert-path":   o.webhooks.certDir != "",
		"--webhook-cert-secret": o.webhooks.secret != "",
	} {
		if len(o.namespaces) > 0 && given {
			return fmt.Errorf("%s is for the whole cluster, and --namespaces confines the manager to %s: leave one of them out, or run two managers", flag, strings.Join(o.namespaces, ", "))
		}
	}
	return nil
}

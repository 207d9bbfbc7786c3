package cli

import (
	"fmt"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/nodeagent/images"
)

// whatNext says what to type now, so that it can be pasted in any folder, and what not to expect.
func whatNext(inst *instance.Instance, o upOptions) string {
	var said strings.Builder
	said.WriteString("\nThe control plane is ready. Next:\n\n")
	commands := []string{"kubectl get pods -A -o wide", "status", "down"}
	if o.endpoint == "" { // whose images are not ours to know
		commands = append([]string{"kubectl create deployment web --replicas 3 --image " + images.Web}, commands...)
	}
	for _, command := range commands {
		said.WriteString("  " + inst.Command(command) + "\n")
	}
	fmt.Fprintf(&said, "\nAn installed kubectl works too: export KUBECONFIG=%s\n", inst.Kubeconfig())
	said.WriteString(whatIsMissing(o.controllers, o.ingress))
	return said.String()
}

package wiring

import (
	"fmt"

	"github.com/orrery-dev/orrery/controllers"
)

// Selection turns loops on and off by their names.
type Selection = controllers.Selection

// LoopNames are the names that a Selection takes, and those among them of loops that run only where they are named.
func LoopNames() (all, off []string) { return controllers.Names() }

// Selected says which loops of a control plane of ours run, in few words; empty if it is those that are on by default.
func Selected(selection Selection) string {
	return selection.Summary(controllers.All(controllers.Options{}))
}

// checkSelection refuses a selection that names a loop which is not among those that can be run here.
func checkSelection(selection Selection, runnable []controllers.Entry) error {
	can := map[string]bool{}
	for _, e := range runnable {
		can[e.Loop.Name()] = true
	}
	for _, e := range controllers.All(controllers.Options{}) {
		name := e.Loop.Name()
		switch {
		case can[name] || !selection.Asks(name):
		case e.Scope == controllers.ClusterKeys:
			return fmt.Errorf("%s cannot run here: it signs with the key of an API server, which is not in this process", name)
		case e.Scope == controllers.ClusterAuthority:
			return fmt.Errorf("%s cannot run here without the cluster's authority: give it --cluster-signing-cert-file and --cluster-signing-key-file", name)
		default:
			return fmt.Errorf("%s acts on what every cluster has, whose own kube-controller-manager does that: it takes --cluster-loops, for a bare API server", name)
		}
	}
	return nil
}

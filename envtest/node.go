package envtest

import (
	"errors"
	"fmt"
)

// errDead is what a runtime says whose node is dead.
var errDead = errors.New("the node is dead")

// KillNode has a simulated node die, from one moment to the next: its heartbeats do not reach the API server any more, and nothing happens in
// its container runtime. Revive ends that, and finds the runtime as it was. It needs Faults.
func (te *Environment) KillNode(name string) (revive func(), err error) {
	if te.Faults == nil {
		return nil, fmt.Errorf("killing node %s: the environment has no Faults, by which it would be cut off", name)
	}
	fleet := te.fleet.Load()
	if fleet == nil || fleet.Runtime(name) == nil {
		return nil, fmt.Errorf("killing node %s: there is no simulated node of that name", name)
	}
	runtime := fleet.Runtime(name)
	runtime.Break(errDead)
	heartbeats := te.Faults.Inject(Rule{
		On: Requests{
			Clients: []string{simulatedNodes}, Names: []string{name},
			Resources: []string{"leases", "nodes", "nodes/status"}, Verbs: Writes(),
		},
		Fault: RequestLost(),
	})
	return func() {
		heartbeats()
		runtime.Break(nil)
	}, nil
}

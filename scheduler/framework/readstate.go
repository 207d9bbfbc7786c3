package framework

import (
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"
)

// ReadState returns what a plugin has written under a key at an earlier extension point. That there is nothing is an error:
// the profile has the plugin switched off there.
func ReadState[T fwk.StateData](state fwk.CycleState, key fwk.StateKey) (data T, err error) {
	value, err := state.Read(key)
	if err != nil {
		return data, fmt.Errorf("reading what was written under %q: %w", key, err)
	}
	return value.(T), nil
}

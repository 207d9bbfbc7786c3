package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ReadUnder is [Read] of what a policy has kept, which says so as its policyName. What another policy has kept is an error: the containers
// that it gave something run on.
func ReadUnder(policy, path string, value any) (bool, error) {
	var by struct {
		Policy string `json:"policyName"`
	}
	found, err := Read(path, &by)
	if err != nil || !found {
		return false, err
	}
	if by.Policy != policy {
		return false, differs(policy, by.Policy)
	}
	return Read(path, value)
}

// Unused is the error of beginning under a policy that keeps nothing where another one has kept something; nil where nothing is kept.
func Unused(policy, path, by string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%w: %s", differs(policy, by), Drain(path))
}

// Drain is what to do where what is kept is of no use.
func Drain(path string) string { return "drain the node and remove " + path }

// differs is in the words of the kubelet.
func differs(configured, kept string) error {
	return fmt.Errorf("configured policy %q differs from state checkpoint policy %q", configured, kept)
}

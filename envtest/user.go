package envtest

import (
	"testing"

	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/envtest/rbac"
)

// As is Config as somebody else, with just the rights that roles give to the user and its groups. Nobody has to provision that user:
// the administrator acts for it.
func (te *Environment) As(user string, groups ...string) *rest.Config {
	config := rest.CopyConfig(te.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	return config
}

// Prove is Config as a manager that may do what its roles allow, and nothing else. In the end the test fails if it was refused anything, or
// has not used a right: see package rbac. A manager for it is one of NewManagerFor, or any other that has ended by then.
func (te *Environment) Prove(t testing.TB, options rbac.Options) *rest.Config {
	t.Helper()
	return rbac.Prove(t, te.Config, options)
}

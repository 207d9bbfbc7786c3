package gen

import (
	"testing"

	"github.com/orrery-dev/orrery/apis"
	"k8s.io/apimachinery/pkg/runtime"
)

// Schemes are one for each naming.
func Schemes(t *testing.T) map[apis.Naming]*runtime.Scheme {
	t.Helper()
	schemes := map[apis.Naming]*runtime.Scheme{}
	for _, naming := range apis.Namings() {
		schemes[naming] = runtime.NewScheme()
		if err := apis.AddToScheme(schemes[naming], naming); err != nil {
			t.Fatal(err)
		}
	}
	return schemes
}

// EachNaming runs a test under both namings.
func EachNaming(t *testing.T, test func(*testing.T, *runtime.Scheme)) {
	for naming, scheme := range Schemes(t) {
		t.Run(naming.String(), func(t *testing.T) { test(t, scheme) })
	}
}

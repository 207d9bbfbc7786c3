package wiring

import (
	"slices"

	"github.com/orrery-dev/orrery/controllers"
)

// Unserved are the kinds of which nothing comes where all of our parts run, with the loops of a selection: those that take a loop
// which is not among them. Ingress says whether NewIngress's part runs, too. See controllers.Unserved.
func Unserved(selection Selection, ingress bool) []controllers.BuiltIn {
	return slices.DeleteFunc(controllers.Unserved(selection.Of(controllers.All(controllers.Options{}))), func(b controllers.BuiltIn) bool {
		return ingress && b.Kind == "Ingress"
	})
}

package gen

import (
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Steps are the creations, patches and deletions of a plan over objects of one kind, a line each, with what say says of those that are
// to be written.
func Steps[T client.Object](p *plan.Plan, say func(T) string) []string {
	var lines []string
	for _, step := range p.Steps() {
		switch s := step.(type) {
		case *plan.Create:
			for _, obj := range s.Objects() {
				lines = append(lines, "create "+say(obj.(T)))
			}
		case *plan.Patch:
			lines = append(lines, "patch "+s.Wanted().GetName()+" to "+say(s.Wanted().(T)))
		case *plan.Delete:
			for _, obj := range s.Objects() {
				lines = append(lines, "delete "+obj.GetName())
			}
		}
	}
	return lines
}

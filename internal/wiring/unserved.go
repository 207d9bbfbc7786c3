package wiring

import "github.com/orrery-dev/orrery/controllers"

// Unserved are the kinds of which nothing comes where all of our parts run, with the loops of a selection: those that take a loop
// which is not among them. See controllers.Unserved.
func Unserved(selection Selection) []controllers.BuiltIn {
	return controllers.Unserved(selection.Of(controllers.All(controllers.Options{})))
}

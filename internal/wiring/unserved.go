package wiring

import "github.com/orrery-dev/orrery/controllers"

// Unserved are the kinds of which nothing comes where all of our parts run: those that take a loop which there is not yet. See
// controllers.Unserved.
func Unserved() []controllers.BuiltIn {
	return controllers.Unserved(controllers.All(controllers.Options{}))
}

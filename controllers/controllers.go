// Package controllers is the table of all control loops.
//
// It holds no logic and imports every room, each of which knows none of the others: they talk through the API.
package controllers

import (
	"github.com/orrery-dev/orrery/controllers/apps/deployment"
	"github.com/orrery-dev/orrery/controllers/apps/replicaset"
	"github.com/orrery-dev/orrery/framework/loop"
)

// Options are what loops need to know that the API cannot tell. The zero value is fine for all in the table.
type Options struct{}

// All returns every loop, ready to be added to a manager. The order has no meaning.
func All(Options) []loop.Loop {
	return []loop.Loop{
		deployment.Loop(),
		replicaset.Loop(),
	}
}

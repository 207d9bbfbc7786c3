package soak

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// register is an object at one time. The zero value is one that is not there.
type register struct {
	version uint64
	value   string
}

// model says which operation can be the next one of an object: porcupine looks for an order in which all can be.
var model = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		r, o := state.(register), input.(Operation)
		switch {
		case o.Verb == Read:
			return r == register{o.Version, o.Value}, r
		case o.Result == Refused:
			return r.version != o.From, r
		default:
			return r.version == o.From && o.Version > r.version, register{o.Version, o.Value}
		}
	},
	DescribeOperation: func(input, _ any) string { return input.(Operation).String() },
	DescribeState: func(state any) string {
		r := state.(register)
		return fmt.Sprintf("%q of %d", r.value, r.version)
	},
}

// patience is how long one object is judged. One that takes longer is told of, and is not right.
const patience = 2 * time.Minute

// Finding is an object whose history cannot be.
type Finding struct {
	Object string
	// Why is a sentence.
	Why string

	info porcupine.LinearizationInfo
}

// Picture writes what the clients did and were told, as far as there is an order for it, as a page for a browser.
func (f Finding) Picture(path string) error { return porcupine.VisualizePath(model, f.info, path) }

// Registers finds the objects of which what was written and read is not linearizable. Watches say more about what came of writes
// whose outcome nobody was told; they may be none.
func Registers(history []Operation, watches []Watch) []Finding {
	objects := map[string][]porcupine.Operation{}
	for _, o := range settled(history, watches) {
		objects[o.Object] = append(objects[o.Object], porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Called, Return: o.Returned})
	}
	var found []Finding
	for _, object := range slices.Sorted(maps.Keys(objects)) {
		result, info := porcupine.CheckOperationsVerbose(model, objects[object], patience)
		switch result {
		case porcupine.Ok:
		case porcupine.Illegal:
			found = append(found, Finding{object, fmt.Sprintf("there is no order in which the %d operations of %s can have been", len(objects[object]), object), info})
		case porcupine.Unknown:
			found = append(found, Finding{object, fmt.Sprintf("whether there is an order for the %d operations of %s was not found out in %s", len(objects[object]), object, patience), info})
		}
	}
	return found
}

// settled is a history without what says nothing: reads without an answer, and writes of unknown outcome that nobody has seen. Such a
// write has changed nothing that anybody was told: a later one would have had its version as a condition, and so somebody would
// have read it. One that was seen has happened, at some time after it was called, with the version with which it was seen.
func settled(history []Operation, watches []Watch) []Operation {
	type content struct{ object, value string }
	seen := map[content]uint64{}
	for _, o := range history {
		if o.Verb == Read && o.Result == Acknowledged {
			seen[content{o.Object, o.Value}] = o.Version
		}
	}
	for _, w := range watches {
		for _, n := range w.Notices {
			if n.Kind == Changed {
				seen[content{n.Object, n.Value}] = n.Version
			}
		}
	}
	var all []Operation
	for _, o := range history {
		if o.Result == Unknown {
			version, happened := seen[content{o.Object, o.Value}]
			if o.Verb == Read || !happened {
				continue
			}
			o.Version, o.Returned = version, math.MaxInt64
		}
		all = append(all, o)
	}
	return all
}

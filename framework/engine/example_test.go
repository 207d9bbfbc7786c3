package engine_test

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
)

// rooms are heated to what somebody wants. They are the world of a loop that has nothing to do with Kubernetes, and what its steps
// act with.
type rooms struct{ wanted, degrees map[string]int }

func (r rooms) Observe(_ context.Context, _ engine.Look, room string) (int, error) {
	degrees, there := r.degrees[room]
	if !there {
		return 0, engine.ErrGone
	}
	return degrees, nil
}

func (r rooms) Plan(room string, degrees int, _ time.Time) *engine.Plan[rooms] {
	p := &engine.Plan[rooms]{}
	if missing := r.wanted[room] - degrees; missing > 0 {
		p.Do(heat{room, missing, fmt.Sprintf("%d degrees, %d wanted", degrees, r.wanted[room])})
	}
	return p
}

func (r rooms) Actor(string, int, engine.Turn) rooms { return r }

// heat is a step.
type heat struct {
	room string
	by   int
	why  string
}

func (heat) Verb() string                              { return "heat" }
func (h heat) String() string                          { return fmt.Sprintf("heat %s by %d degrees", h.room, h.by) }
func (h heat) Why() string                             { return h.why }
func (h heat) Do(_ context.Context, house rooms) error { house.degrees[h.room] += h.by; return nil }

// The engine runs loops over keys of any type, with whatever steps act on. A plan can be asked for without being carried out.
func Example() {
	house := rooms{wanted: map[string]int{"kitchen": 20}, degrees: map[string]int{"kitchen": 17}}
	heating := engine.New(house, engine.Options[string]{Name: "heating"})
	for range 2 {
		decided, err := heating.Preview(context.Background(), "kitchen")
		fmt.Println(decided, err)
		heating.Pass(context.Background(), "kitchen")
	}
	// Output:
	// heat kitchen by 3 degrees: 17 degrees, 20 wanted <nil>
	// nothing to do <nil>
}

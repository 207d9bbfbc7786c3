package looptest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func fleets(controller admiral) looptest.Spec {
	return looptest.Spec{
		Scheme: newScheme(),
		Loops:  []loop.Loop{controller.loop()},
		Start: func(t *rapid.T) []client.Object {
			return []client.Object{newPirate(), newFleet("north", rapid.IntRange(0, 4).Draw(t, "ships"))}
		},
		Change: func(t *rapid.T, w *looptest.World) {
			for _, fleet := range looptest.All[*Fleet](w) {
				looptest.Edit(w, "user", fleet, func(f *Fleet) { f.Spec.Ships = rapid.IntRange(0, 4).Draw(t, "ships") })
			}
		},
		Environment:  shipyard,
		Invariants:   []looptest.Invariant{neverMoreThan(4), thePirateStays},
		Converged:    asManyAsWanted,
		CurrentLists: true, // its ships are named at random
	}
}

// shipyard launches one ship after the other.
func shipyard(w *looptest.World, pick func(n int) int) bool {
	var ashore []*Ship
	for _, ship := range looptest.All[*Ship](w) {
		if !ship.Status.Afloat {
			ashore = append(ashore, ship)
		}
	}
	if len(ashore) == 0 {
		return false
	}
	looptest.Edit(w, "shipyard", ashore[pick(len(ashore))], func(s *Ship) { s.Status.Afloat = true })
	return true
}

func neverMoreThan(n int) looptest.Invariant {
	return func(w *looptest.World, _ looptest.Write) error {
		if have := len(looptest.All[*Ship](w)) - 1; have > n {
			return fmt.Errorf("%d ships, at most %d are ever wanted", have, n)
		}
		return nil
	}
}

func thePirateStays(w *looptest.World, _ looptest.Write) error {
	for _, ship := range looptest.All[*Ship](w) {
		if ship.Name == "pirate" {
			return nil
		}
	}
	return errors.New("the pirate is gone")
}

func asManyAsWanted(w *looptest.World) error {
	for _, fleet := range looptest.All[*Fleet](w) {
		have := 0
		for _, ship := range looptest.All[*Ship](w) {
			if metav1.IsControlledBy(ship, fleet) {
				have++
			}
		}
		if have != fleet.Spec.Ships || fleet.Status.Afloat != have {
			return fmt.Errorf("Fleet %s wants %d ships, has %d, and counts %d afloat", fleet.Name, fleet.Spec.Ships, have, fleet.Status.Afloat)
		}
	}
	return nil
}

func TestCheckAcceptsACorrectController(t *testing.T) {
	looptest.Check(t, fleets(admiral{}))
}

func TestCheckAcceptsAControllerThatNumbersItsObjects(t *testing.T) {
	spec := fleets(admiral{numbers: true})
	spec.CurrentLists = false
	looptest.Check(t, spec)
}

func TestCheckAcceptsALoopThatIsWokenFromElsewhere(t *testing.T) {
	spec := fleets(admiral{})
	spec.Loops = []loop.Loop{loop.New("admiral", admiral{})} // it owns ships, and does not watch them
	spec.AlwaysAwake = true
	looptest.Check(t, spec)
}

// One fleet looks again every second for ever, the other only after an hour: the first must not make a rest of it.
func TestCheckWaitsForALoopThatLooksAgainMuchLater(t *testing.T) {
	patient := admiral{wrong: func(fleet *Fleet, _ []*Ship, p *plan.Plan) {
		if fleet.Name == "north" {
			p.After(time.Second, "restless")
		} else if fleet.Labels == nil {
			p.After(time.Hour, "patient")
		}
	}}
	spec := fleets(patient)
	spec.Change, spec.Faults = nil, []looptest.Fault{}
	spec.Start = func(*rapid.T) []client.Object {
		return []client.Object{newPirate(), newFleet("north", 1), newFleet("south", 1)}
	}
	spec.Converged = func(w *looptest.World) error {
		if w.Now().Before(looptest.Begin.Add(time.Hour)) {
			return errors.New("the hour has not passed")
		}
		return nil
	}
	looptest.Check(t, spec)
}

// fleetAshore is a fleet with all that it wants, which waits for nothing but the shipyard.
func fleetAshore() []client.Object {
	fleet := newFleet("north", 1)
	fleet.UID, fleet.Generation = "north", 1
	fleet.Status = FleetStatus{Ships: 1, ObservedGeneration: 1}
	ship := newShip(fleet)
	ship.Name = "north-0"
	ship.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "harbour.example.org/v1", Kind: "Fleet", Name: fleet.Name, UID: fleet.UID, Controller: new(true),
	}}
	return []client.Object{fleet, ship}
}

// lookout looks for the ships of a fleet, and plans where it could not.
type lookout func(fleet *Fleet, failed error, p *plan.Plan)

func (lookout) Observe(ctx context.Context, view loop.View, fleet *Fleet) (error, error) {
	return view.List(ctx, &ShipList{}, client.InNamespace(fleet.Namespace)), nil
}

func (l lookout) Plan(fleet *Fleet, failed error, _ time.Time) *plan.Plan {
	p := plan.New()
	if failed != nil {
		l(fleet, failed, p)
	}
	return p
}

// watchedBy has fleets watched by a lookout, and nothing else.
func watchedBy(l lookout) func(*looptest.Spec) {
	return func(s *looptest.Spec) {
		s.Loops = []loop.Loop{loop.New("lookout", l)}
		s.Change, s.Environment, s.Converged = nil, nil, nil
		s.Patience = 20
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name  string
		wrong func(fleet *Fleet, ships []*Ship, p *plan.Plan)
		spec  func(*looptest.Spec)
		want  string
	}{
		{
			name: "a controller that makes one object too many",
			wrong: func(fleet *Fleet, ships []*Ship, p *plan.Plan) {
				if len(ships) < fleet.Spec.Ships {
					p.Create("one to spare", newShip(fleet)).OwnedBy(fleet)
				}
			},
			spec: func(s *looptest.Spec) { s.Faults = []looptest.Fault{} },
			want: "breaks an invariant",
		},
		{
			name: "a controller that never stops",
			wrong: func(fleet *Fleet, _ []*Ship, p *plan.Plan) {
				wanted := fleet.DeepCopyObject().(*Fleet)
				wanted.Annotations = map[string]string{"count": fleet.ResourceVersion}
				p.Patch("counting", fleet, wanted)
			},
			want: "does not come to rest",
		},
		{
			name: "a controller that plans events for ever",
			wrong: func(fleet *Fleet, _ []*Ship, p *plan.Plan) {
				p.Event(fleet, plan.Normal, "AllWell", "all is well")
			},
			want: "has no fixpoint",
		},
		{
			name: "a controller that deletes what is not its own",
			wrong: func(fleet *Fleet, _ []*Ship, p *plan.Plan) {
				p.Delete("a stranger", newPirate())
			},
			want: "the pirate is gone",
		},
		{
			name: "a controller that panics",
			wrong: func(fleet *Fleet, ships []*Ship, _ *plan.Plan) {
				_ = ships[fleet.Spec.Ships-1]
			},
			want: "admiral panics at default/north: runtime error: index out of range",
		},
		{
			name: "a controller that changes what it reads without a copy",
			wrong: func(_ *Fleet, ships []*Ship, _ *plan.Plan) {
				for _, ship := range ships {
					ship.OwnerReferences[0].Name = "mine"
				}
			},
			want: "which it shares with the cache: copy it first",
		},
		{
			name: "a controller that changes a field at the top of what it borrows",
			wrong: func(_ *Fleet, ships []*Ship, _ *plan.Plan) {
				for _, ship := range ships {
					ship.Spec.Cargo = "mine"
				}
			},
			want: "which it shares with the cache: copy it first",
		},
		{
			name: "a controller whose step never succeeds",
			wrong: func(fleet *Fleet, _ []*Ship, p *plan.Plan) {
				p.Create("taking over", newPirate()).OwnedBy(fleet)
			},
			want: "does not come to rest: after 200 rounds, admiral still fails",
		},
		{
			name:  "a controller that rests too early",
			wrong: func(fleet *Fleet, _ []*Ship, _ *plan.Plan) { fleet.Spec.Ships = 0 },
			want:  "comes to rest too early",
		},
		{
			name: "a controller that takes the first list after a restart for current",
			spec: func(s *looptest.Spec) { s.CurrentLists = false },
			want: "breaks an invariant when admiral does create Ship",
		},
		{
			name: "a controller that is not woken by what it reads",
			spec: func(s *looptest.Spec) {
				s.Loops = []loop.Loop{loop.New("admiral", admiral{})}
				s.Start = func(*rapid.T) []client.Object { return append(fleetAshore(), newPirate()) }
				s.Change = nil
			},
			want: "was asleep: in a world at rest admiral would",
		},
		{
			name: "a controller that goes on writing while it cannot read",
			spec: watchedBy(func(fleet *Fleet, failed error, p *plan.Plan) {
				wanted := fleet.DeepCopyObject().(*Fleet)
				wanted.Annotations = map[string]string{"failed": fmt.Sprintf("after %s: %v", fleet.ResourceVersion, failed)}
				p.Patch("telling", fleet, wanted)
			}),
			want: "does not come to rest while lookout cannot read any Ship",
		},
		{
			name: "a controller that looks again and again while it cannot read",
			spec: watchedBy(func(fleet *Fleet, failed error, p *plan.Plan) {
				p.EventOnce(fleet, plan.Warning, "Blind", "%v", failed)
				p.After(100*time.Millisecond, "it may be over then")
			}),
			want: "has a hot loop: while lookout cannot read any Ship",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := fleets(admiral{wrong: tt.wrong})
			if tt.spec != nil {
				tt.spec(&spec)
			}
			var failure failure
			t.Cleanup(func() {
				if err := os.RemoveAll("testdata/rapid/" + failure.Name()); err != nil {
					t.Error(err)
				}
			})
			failure.of(func() { looptest.Check(&failure, spec) })
			if !failure.failed || !strings.Contains(failure.log.String(), tt.want) {
				t.Errorf("want a failure that says %q; failed %t and said:\n%s", tt.want, failure.failed, &failure.log)
			}
			if lines := failure.story(); len(lines) == 0 || len(lines) > 50 {
				t.Errorf("the story has %d lines:\n%s", len(lines), strings.Join(lines, "\n"))
			}
		})
	}
}

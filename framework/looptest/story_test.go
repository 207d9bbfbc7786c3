package looptest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestStory(t *testing.T) {
	for name, order := range map[string]looptest.Order{
		"in turn":       looptest.InTurn,
		"in some order": looptest.Seeded(7),
		"in any order":  looptest.AnyOrder,
	} {
		t.Run(name, func(t *testing.T) {
			looptest.Tell(t, aFleetComesAndGoes(order))
		})
	}
}

func aFleetComesAndGoes(order looptest.Order) looptest.Story {
	north := newFleet("north", 3)
	sizeTo := func(n int) func(w *looptest.World) {
		return func(w *looptest.World) {
			looptest.Edit(w, "user", north, func(f *Fleet) { f.Spec.Ships = n })
		}
	}
	return looptest.Story{
		Scheme:      newScheme(),
		Loops:       []loop.Loop{admiral{}.loop()},
		Environment: shipyard,
		Start:       []client.Object{north},
		Order:       order,
		Show: func(w *looptest.World) string {
			afloat := 0
			ships := looptest.All[*Ship](w)
			for _, ship := range ships {
				if ship.Status.Afloat {
					afloat++
				}
			}
			return fmt.Sprintf("%d of %d ships afloat", afloat, len(ships))
		},
		Chapters: []looptest.Chapter{
			{
				Title: "there is a new Fleet, of three",
				Until: func(w *looptest.World) bool { return len(looptest.All[*Ship](w)) == 3 },
			},
			{Title: "the user wants only one", Do: sizeTo(1)},
			{Title: "the user deletes the Fleet", Do: func(w *looptest.World) {
				if err := w.Client("user").Delete(context.Background(), north); err != nil {
					panic(err)
				}
			}},
		},
	}
}

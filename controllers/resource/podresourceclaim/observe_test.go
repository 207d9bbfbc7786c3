package podresourceclaim

import (
	"testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
)

// A cache that is younger for pods than for claims may show a pod whose status tells of a claim that it does not show.
func TestAClaimThatTheCacheDoesNotShowYetIsNotMadeAgain(t *testing.T) {
	scheme := gen.Schemes(t)[apis.Kubernetes]
	pod := gen.Pod("web", gen.UsesOneOf("gpus", "gpu"), gen.Told("gpu", "web-gpu-1"))
	cached, server := looptest.NewWorld(scheme), looptest.NewWorld(scheme)
	for _, index := range Loop().Indexes() {
		if err := cached.Index(index.Object, index.Field, index.Values); err != nil {
			t.Fatal(err)
		}
	}
	cached.Put(pod, gen.ResourceClaimTemplate("gpus"))
	server.Put(pod, gen.ResourceClaimTemplate("gpus"), gen.ResourceClaim("web-gpu-1", gen.ClaimedBy(pod, "gpu")))
	w, err := Controller{}.Observe(t.Context(), loop.NewView(cached.Client("loop"), server.Client("loop"), gen.Now), pod)
	if err != nil {
		t.Fatal(err)
	}
	if p := (Controller{}).Plan(pod, w, gen.Now); !p.Empty() {
		t.Errorf("the plan is\n%s\nwant it empty", p)
	}
}

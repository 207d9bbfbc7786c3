package volumeattach_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakeattacher"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/storage/volumeattach"
	"github.com/orrery-dev/orrery/controllers/storage/volumedetach"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestAVolumeMoves tells how a volume that one node may have follows its pod: from a node that lets it go, from one that falls silent,
// and from one that somebody has given up.
func TestAVolumeMoves(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	looptest.Tell(t, looptest.Story{
		Scheme:      scheme,
		Loops:       []loop.Loop{volumeattach.Loop(), volumedetach.Loop()},
		Prepare:     fakekubelet.DeletesGracefully,
		Environment: fakeattacher.Sync,
		Invariants:  []looptest.Invariant{oneNodeAtATime},
		Start: append(fakeattacher.Objects(exclusive, corev1.ReadWriteOnce),
			gen.Node("a", gen.NodeReady, fakeattacher.Node), gen.Node("b", gen.NodeReady, fakeattacher.Node), gen.Node("c", gen.NodeReady, fakeattacher.Node)),
		Chapters: []looptest.Chapter{
			{Title: "a pod comes to node a", Do: comes("db-1", "a")},
			{Title: "another one comes to node b", Do: comes("db-2", "b")},
			{Title: "the first pod is deleted", Do: goes("db-1")},
			{Title: "node b falls silent, its pod is deleted by force, and a third one comes to node c", Do: func(w *looptest.World) {
				silent("b")(w)
				byForce("db-2")(w)
				comes("db-3", "c")(w)
			}},
			{Title: "node c falls silent, is put out of service, its pod is deleted by force, and a fourth one comes to node a", Do: func(w *looptest.World) {
				silent("c", gen.Tainted(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute, 0))(w)
				byForce("db-3")(w)
				comes("db-4", "a")(w)
			}},
		},
		Show: where,
	})
}

func comes(name, node string) func(*looptest.World) {
	return func(w *looptest.World) {
		pod := gen.Pod(name, gen.Claims(exclusive))
		pod.Spec.NodeName, pod.UID, pod.ResourceVersion = node, "", ""
		must(w.Client("user").Create(context.Background(), pod))
	}
}

func goes(name string, options ...client.DeleteOption) func(*looptest.World) {
	return func(w *looptest.World) {
		must(w.Client("user").Delete(context.Background(), gen.Pod(name), options...))
	}
}

func byForce(name string) func(*looptest.World) { return goes(name, client.GracePeriodSeconds(0)) }

func silent(name string, changes ...func(*ocorev1.Node)) func(*looptest.World) {
	return func(w *looptest.World) {
		looptest.Edit(w, "node-lifecycle-controller", gen.Node(name), func(node *ocorev1.Node) {
			node.Status.Conditions = nil
			for _, change := range append(changes, gen.NodeUnknown) {
				change(node)
			}
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err) // a world refuses nothing that it was not told to
	}
}

// where tells where the volume is, and where it is in use.
func where(w *looptest.World) string {
	var parts []string
	for _, attachment := range looptest.All[*ostoragev1.VolumeAttachment](w) {
		state := "is asked for"
		switch {
		case attachment.DeletionTimestamp != nil:
			state = "is going"
		case attachment.Status.Attached:
			state = "is attached"
		}
		parts = append(parts, fmt.Sprintf("%s on %s", state, attachment.Spec.NodeName))
	}
	name := fakeattacher.ID(exclusive).Name()
	for _, node := range looptest.All[*ocorev1.Node](w) {
		told := slices.ContainsFunc(node.Status.VolumesAttached, func(v corev1.AttachedVolume) bool { return v.Name == name })
		switch used := slices.Contains(node.Status.VolumesInUse, name); {
		case told && used:
			parts = append(parts, node.Name+" has it in use")
		case told:
			parts = append(parts, node.Name+" is told to have it")
		case used:
			parts = append(parts, node.Name+" says it is in use")
		}
	}
	if len(parts) == 0 {
		return "the volume is nowhere"
	}
	return "the volume " + strings.Join(parts, ", ")
}

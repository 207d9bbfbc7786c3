package deployment_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/looptest"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestRollouts tells rollouts from beginning to end, in a fixed order and in a seeded one, as files in testdata. Each is
// the same story under both namings.
func TestRollouts(t *testing.T) {
	for _, story := range []struct {
		name     string
		start    *oappsv1.Deployment
		chapters []looptest.Chapter
	}{
		{
			"rolling one pod at a time",
			gen.Deployment("web", gen.Replicas(3), gen.Surge("1"), gen.Unavailable("0")),
			[]looptest.Chapter{created(), user("sets the image to web:2", gen.Image("web:2"))},
		}, {
			"rolling by quarters of ten pods",
			gen.Deployment("web", gen.Replicas(10), gen.Surge("25%"), gen.Unavailable("25%")),
			[]looptest.Chapter{created(), user("sets the image to web:2", gen.Image("web:2"))},
		}, {
			"recreating",
			gen.Deployment("web", gen.Replicas(2), gen.Recreate),
			[]looptest.Chapter{created(), user("sets the image to web:2", gen.Image("web:2"))},
		}, {
			"rolling back in the middle of a rollout",
			gen.Deployment("web", gen.Replicas(4), gen.Surge("1"), gen.Unavailable("0")),
			[]looptest.Chapter{
				created(),
				until(newPodsAre(2), user("sets the image to web:2", gen.Image("web:2"))),
				user("sets the image back to web:1", gen.Image("web:1")),
			},
		}, {
			"scaling in the middle of a rollout",
			gen.Deployment("web", gen.Replicas(4), gen.Surge("50%"), gen.Unavailable("0")),
			[]looptest.Chapter{
				created(),
				until(newPodsAre(2), user("sets the image to web:2", gen.Image("web:2"))),
				user("scales to 8", gen.Replicas(8)),
			},
		}, {
			"an image that never gets ready, and the next one that does",
			gen.Deployment("web", gen.Replicas(3), gen.Surge("1"), gen.Unavailable("0"), gen.Deadline(60)),
			[]looptest.Chapter{
				created(),
				user("sets the image to "+fakekubelet.BrokenImage, gen.Image(fakekubelet.BrokenImage)),
				user("sets the image to web:3", gen.Image("web:3")),
			},
		}, {
			"pausing and resuming",
			gen.Deployment("web", gen.Replicas(3), gen.Surge("1"), gen.Unavailable("0")),
			[]looptest.Chapter{
				created(),
				until(newPodsAre(1), user("sets the image to web:2", gen.Image("web:2"))),
				user("pauses", gen.Paused),
				user("sets the image to web:3", gen.Image("web:3")),
				user("resumes", func(d *oappsv1.Deployment) { d.Spec.Paused = false }),
			},
		}, {
			"keeping one old revision",
			gen.Deployment("web", gen.Replicas(1), gen.History(1)),
			[]looptest.Chapter{
				created(),
				user("sets the image to web:2", gen.Image("web:2")),
				user("sets the image to web:3", gen.Image("web:3")),
			},
		},
	} {
		for turns, order := range map[string]looptest.Order{"in turn": looptest.InTurn, "seeded": looptest.Seeded(42)} {
			t.Run(story.name+", "+turns, func(t *testing.T) {
				for _, scheme := range gen.Schemes(t) { // the same story, and so the same file
					looptest.Tell(t, looptest.Story{
						Scheme:      scheme,
						Loops:       both(),
						Prepare:     fakekubelet.DeletesGracefully,
						Environment: fakekubelet.Sync,
						Start:       []client.Object{story.start},
						Chapters:    story.chapters,
						Show:        replicaSetsAndPods,
						Order:       order,
					})
				}
			})
		}
	}
}

func created() looptest.Chapter { return looptest.Chapter{Title: "the user creates the Deployment"} }

// user changes the Deployment.
func user(what string, change func(*oappsv1.Deployment)) looptest.Chapter {
	return looptest.Chapter{Title: "the user " + what, Do: func(w *looptest.World) { edit(w, change) }}
}

// until ends a chapter before the world comes to rest.
func until(over func(*looptest.World) bool, c looptest.Chapter) looptest.Chapter {
	c.Until = over
	return c
}

// newPodsAre reports that so many pods of the last template are available.
func newPodsAre(n int32) func(*looptest.World) bool {
	return func(w *looptest.World) bool {
		d := looptest.All[*oappsv1.Deployment](w)[0]
		return d.Status.ObservedGeneration == d.Generation && d.Status.UpdatedReplicas >= n && d.Status.AvailableReplicas >= *d.Spec.Replicas+n-1
	}
}

// replicaSetsAndPods shows of each image how many pods there are and how many of them are ready, and how the
// Deployment progresses: "web:1 3/3, web:2 0/1: ReplicaSetUpdated".
func replicaSetsAndPods(w *looptest.World) string {
	ready, there := map[string]int{}, map[string]int{}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if image := pod.Spec.Containers[0].Image; replicas.Active(pod) {
			there[image]++
			if replicas.Available(pod, 0, time.Time{}) {
				ready[image]++
			}
		}
	}
	var parts []string
	for image := range there {
		parts = append(parts, fmt.Sprintf("%s %d/%d", image, ready[image], there[image]))
	}
	sort.Strings(parts)
	if parts == nil {
		parts = []string{"no pods"}
	}
	progress := "not known yet"
	for _, c := range looptest.All[*oappsv1.Deployment](w)[0].Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing {
			progress = c.Reason
		}
	}
	return strings.Join(parts, ", ") + ": " + progress
}

package scenarios

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
)

// scenarios are what a Deployment does.
var scenarios = []struct {
	name  string
	steps []step
}{
	{"a rolling update in numbers stays within them", []step{
		creates(rolling("2", "1")), rollsOut, has("1:4"),
		always(within(3, 6)), changes(image("web:2")), rollsOut, has("1:0 2:4"), runs(4, "web:2"),
		says(appsv1.DeploymentProgressing, "True NewReplicaSetAvailable"),
	}},
	{"a rolling update in percent rounds the surge up and what is missing down", []step{
		creates(replicas(7), rolling("20%", "20%")), rollsOut,
		always(within(6, 9)), changes(image("web:2")), rollsOut, has("1:0 2:7"), runs(7, "web:2"),
	}},
	{"a rolling update without surge takes old pods away first", []step{
		creates(rolling("0", "50%")), rollsOut,
		always(within(2, 4)), changes(image("web:2")), rollsOut, runs(4, "web:2"),
	}},
	{"a rolling update in which no pod may be missing starts new pods first", []step{
		creates(rolling("1", "0%")), rollsOut,
		always(within(4, 5)), changes(image("web:2")), rollsOut, runs(4, "web:2"),
	}},
	{"recreate never runs two versions at once", []step{
		creates(recreate), always(oneVersion), rollsOut,
		changes(image("web:2")), rollsOut, has("1:0 2:4"), runs(4, "web:2"),
	}},
	// The figures are those of Kubernetes' documentation.
	{"scaling in the middle of a rollout keeps the proportions", []step{
		creates(replicas(10), rolling("3", "2")), rollsOut,
		changes(broken), has("1:8 2:5"),
		changes(replicas(15)), has("1:11 2:7"),
		changes(image("web:3")), rollsOut, has("1:0 2:0 3:15"),
	}},
	{"scaling is no rollout", []step{
		creates(), rollsOut, changes(replicas(6)), rollsOut, has("1:6"),
		changes(replicas(0)), rollsOut, has("1:0"), changes(replicas(1)), rollsOut, has("1:1"),
	}},
	{"a paused Deployment scales, and rolls out when it is resumed", []step{
		creates(), rollsOut,
		changes(paused, image("web:2")), says(appsv1.DeploymentProgressing, "Unknown DeploymentPaused"), has("1:4"),
		changes(replicas(6)), runs(6, "web:1"), has("1:6"),
		changes(resumed), rollsOut, has("1:0 2:6"), runs(6, "web:2"),
	}},
	{"a rollback to a revision is a rollout of what it was", []step{
		creates(), rollsOut, changes(image("web:2")), rollsOut, changes(image("web:3")), rollsOut, has("1:0 2:0 3:4"),
		undoes("1"), rollsOut, has("2:0 3:0 4:4"), runs(4, "web:1"),
		undoes("3"), rollsOut, has("2:0 4:0 5:4"), runs(4, "web:3"),
	}},
	{"no more old revisions are kept than asked for", []step{
		creates(history(1)), rollsOut, changes(image("web:2")), rollsOut, changes(image("web:3")), rollsOut, has("2:0 3:4"),
	}},
	{"a version that fails is reported, and takes nothing from the one before", []step{
		creates(rolling("1", "0"), deadline(2)), rollsOut, always(within(4, 5)),
		changes(broken), says(appsv1.DeploymentProgressing, "False ProgressDeadlineExceeded"), has("1:4 2:1"),
		says(appsv1.DeploymentAvailable, "True MinimumReplicasAvailable"),
		changes(image("web:3")), rollsOut, says(appsv1.DeploymentProgressing, "True NewReplicaSetAvailable"), runs(4, "web:3"),
	}},
	{"deletion in the background takes all that it owned", []step{
		creates(), rollsOut, changes(image("web:2")), rollsOut, deletes(metav1.DeletePropagationBackground), isGone,
	}},
	{"deletion in the foreground waits for all that it owned", []step{
		creates(), rollsOut, waitsForItsPods, isGone,
	}},
	{"what deletion leaves as orphans is adopted by a Deployment with their template", []step{
		creates(), rollsOut, changes(image("web:2")), rollsOut, orphansAreAdopted, has("1:0 2:4"), rollsOut,
	}},
	{"a ReplicaSet of somebody else which has the name is passed by", []step{
		creates(), rollsOut, collides, rollsOut, runs(4, "web:1"),
	}},
	{"an invalid Deployment is refused in Kubernetes' words, and nothing changes", []step{
		isRefused(creating(func(d *oappsv1.Deployment) {
			d.Spec.Template.Labels = map[string]string{"app": "other"}
		}), "`selector` does not match template `labels`"),
		isRefused(creating(rolling("0", "0")), "may not be 0 when `maxSurge` is 0"),
		creates(), rollsOut,
		isRefused(changing(replicas(-1)), "spec.replicas: Invalid value: -1"),
		isRefused(changing(func(d *oappsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].Image = ""
		}), "spec.template.spec.containers[0].image: Required value"),
		has("1:4"), rollsOut,
	}},
}

// Every scenario, on every target.
func TestDeployments(t *testing.T) {
	for _, target := range targets(t) {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			for _, scenario := range scenarios {
				t.Run(scenario.name, func(t *testing.T) {
					t.Parallel()
					c := target.cluster(t)
					for _, step := range scenario.steps {
						step(t, c)
					}
				})
			}
		})
	}
}

func creating(changes ...change) func(*testing.T, *cluster) error {
	return func(t *testing.T, c *cluster) error { return c.Create(t.Context(), web(c.namespace, changes...)) }
}

func changing(all ...change) func(*testing.T, *cluster) error {
	return func(t *testing.T, c *cluster) error { return c.change(t, all...) }
}

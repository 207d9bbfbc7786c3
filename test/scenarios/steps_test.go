package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/internal/await"
)

// step is one thing that a user does or sees.
type step func(t *testing.T, c *cluster)

// change is what a user writes into a Deployment.
type change func(*oappsv1.Deployment)

// web is a Deployment of four pods, with all that Kubernetes leaves to defaults left out.
func web(namespace string, changes ...change) *oappsv1.Deployment {
	labels := map[string]string{"app": "web"}
	d := &oappsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}
	replicas(4)(d)
	for _, change := range changes {
		change(d)
	}
	return d
}

func replicas(n int32) change { return func(d *oappsv1.Deployment) { d.Spec.Replicas = &n } }

// image is a version that works.
func image(name string) change {
	return func(d *oappsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = name
		d.Spec.Template.Annotations = nil
	}
}

// broken is a version whose image does not exist.
func broken(d *oappsv1.Deployment) {
	image("web:broken")(d)
	d.Spec.Template.Annotations = map[string]string{"simulated.orrery.dev/pull-failure": "no such image"}
}

func rolling(surge, unavailable string) change {
	most, least := intstr.Parse(surge), intstr.Parse(unavailable)
	return func(d *oappsv1.Deployment) {
		d.Spec.Strategy.Type = appsv1.RollingUpdateDeploymentStrategyType
		d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxSurge: &most, MaxUnavailable: &least}
	}
}

func recreate(d *oappsv1.Deployment) {
	d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
}

func paused(d *oappsv1.Deployment) { d.Spec.Paused = true }

func resumed(d *oappsv1.Deployment) { d.Spec.Paused = false }

func deadline(seconds int32) change {
	return func(d *oappsv1.Deployment) { d.Spec.ProgressDeadlineSeconds = &seconds }
}

func history(n int32) change { return func(d *oappsv1.Deployment) { d.Spec.RevisionHistoryLimit = &n } }

// creates creates the Deployment.
func creates(changes ...change) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		if err := c.Create(t.Context(), web(c.namespace, changes...)); err != nil {
			t.Fatal(err)
		}
	}
}

// changes changes the Deployment.
func changes(all ...change) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		if err := c.change(t, all...); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *cluster) change(t *testing.T, all ...change) error {
	t.Helper()
	observed := c.deployment(t)
	wanted := observed.DeepCopy()
	for _, change := range all {
		change(wanted)
	}
	return c.Patch(t.Context(), wanted, client.MergeFrom(observed))
}

// undoes rolls back to a revision, as kubectl rollout undo does: it writes the template that the revision had.
func undoes(revision string) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		for _, rs := range c.replicaSets(t) {
			if rs.Annotations[revisionAnnotation] != revision {
				continue
			}
			template := rs.Spec.Template.DeepCopy()
			delete(template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
			changes(func(d *oappsv1.Deployment) { d.Spec.Template = *template })(t, c)
			return
		}
		t.Fatalf("there is no revision %s among %s", revision, c.sizes(t))
	}
}

// deletes deletes the Deployment.
func deletes(how metav1.DeletionPropagation) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		if err := c.Delete(t.Context(), c.deployment(t), client.PropagationPolicy(how)); err != nil {
			t.Fatal(err)
		}
	}
}

// isRefused tries something, which the server has to refuse in these words.
func isRefused(try func(t *testing.T, c *cluster) error, words string) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		if err := try(t, c); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), words) {
			t.Errorf("the server said %v, want that it is invalid: %s", err, words)
		}
	}
}

func rollsOut(t *testing.T, c *cluster) {
	t.Helper()
	await.Until(t, "the Deployment to be complete", func() (string, bool) {
		seen, ok := complete(c.deployment(t))
		if !ok {
			seen += "\n" + c.describe(t)
		}
		return seen, ok
	})
}

// has waits until the ReplicaSets of the revisions have these sizes.
func has(sizes string) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		await.Until(t, "the ReplicaSets to be "+sizes, func() (string, bool) {
			seen := c.sizes(t)
			return seen, seen == sizes
		})
	}
}

// says waits until a condition of the Deployment's present generation is so.
func says(kind appsv1.DeploymentConditionType, want string) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		await.Until(t, fmt.Sprintf("condition %s to be %s", kind, want), func() (string, bool) {
			d := c.deployment(t)
			seen := condition(d, kind)
			return seen, seen == want && d.Status.ObservedGeneration == d.Generation
		})
	}
}

// runs waits until so many pods of an image are available.
func runs(n int, image string) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		await.Until(t, strconv.Itoa(n)+" pods of "+image, func() (string, bool) {
			var seen []string
			for _, pod := range c.pods(t) {
				if running(&pod) {
					seen = append(seen, pod.Spec.Containers[0].Image)
				}
			}
			others := slices.ContainsFunc(seen, func(other string) bool { return other != image })
			return strings.Join(seen, " "), len(seen) == n && !others
		})
	}
}

// always holds every moment until the end of the scenario to a rule.
func always(holds rule) step {
	return func(t *testing.T, c *cluster) {
		t.Helper()
		c.watchPods(t, holds)
	}
}

// isGone waits until nothing of the Deployment is left.
func isGone(t *testing.T, c *cluster) {
	t.Helper()
	await.Until(t, "everything to be gone", func() (string, bool) {
		d, sets, pods := c.deployment(t), c.replicaSets(t), c.pods(t)
		return fmt.Sprintf("Deployment %v, %d ReplicaSets, %d pods", d != nil, len(sets), len(pods)), d == nil && len(sets)+len(pods) == 0
	})
}

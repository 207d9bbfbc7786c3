package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

const revisionAnnotation = "deployment.kubernetes.io/revision"

// deployment is the Deployment that every scenario is about; nil means that there is none.
func (c *cluster) deployment(t *testing.T) *oappsv1.Deployment {
	t.Helper()
	var d oappsv1.Deployment
	err := c.Get(t.Context(), client.ObjectKey{Namespace: c.namespace, Name: "web"}, &d)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return &d
}

// replicaSets are those of the Deployment's selector.
func (c *cluster) replicaSets(t *testing.T) []oappsv1.ReplicaSet {
	t.Helper()
	var list oappsv1.ReplicaSetList
	if err := c.List(t.Context(), &list, client.InNamespace(c.namespace), client.MatchingLabels{"app": "web"}); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func (c *cluster) pods(t *testing.T) []ocorev1.Pod {
	t.Helper()
	var list ocorev1.PodList
	if err := c.List(t.Context(), &list, client.InNamespace(c.namespace), client.MatchingLabels{"app": "web"}); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// describe says how the pods are, a line each.
func (c *cluster) describe(t *testing.T) string {
	t.Helper()
	var lines []string
	for _, pod := range c.pods(t) {
		line := fmt.Sprintf("%s of %s on %q is %s", pod.Name, pod.Spec.Containers[0].Image, pod.Spec.NodeName, pod.Status.Phase)
		for _, condition := range pod.Status.Conditions {
			line += fmt.Sprintf(", %s %s %s", condition.Type, condition.Status, condition.Message)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// podUIDs are the identities of the pods, sorted.
func (c *cluster) podUIDs(t *testing.T) []string {
	t.Helper()
	var uids []string
	for _, pod := range c.pods(t) {
		uids = append(uids, string(pod.UID))
	}
	slices.Sort(uids)
	return uids
}

// sizes says how many pods the ReplicaSet of each revision is asked for, as "1:0 2:4".
func (c *cluster) sizes(t *testing.T) string {
	t.Helper()
	var sizes []string
	for _, rs := range c.replicaSets(t) {
		sizes = append(sizes, fmt.Sprintf("%s:%d", rs.Annotations[revisionAnnotation], *rs.Spec.Replicas))
	}
	slices.Sort(sizes)
	return strings.Join(sizes, " ")
}

// complete reports whether the Deployment has what it asks for, and nothing else; and how it is.
func complete(d *oappsv1.Deployment) (string, bool) {
	if d == nil {
		return "no Deployment", false
	}
	s, want := d.Status, *d.Spec.Replicas
	return fmt.Sprintf("generation %d, %+v", d.Generation, s),
		s.ObservedGeneration == d.Generation && s.Replicas == want && s.UpdatedReplicas == want && s.AvailableReplicas == want
}

// condition is the Deployment's, as "True MinimumReplicasAvailable"; empty where there is none.
func condition(d *oappsv1.Deployment, kind appsv1.DeploymentConditionType) string {
	if d == nil {
		return "no Deployment"
	}
	for _, c := range d.Status.Conditions {
		if c.Type == kind {
			return string(c.Status) + " " + c.Reason
		}
	}
	return ""
}

// running reports whether a pod is available to its users.
func running(pod *ocorev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// ownedBy says whether obj is controlled by owner, under the name that the naming gives to its kind.
func (c *cluster) ownedBy(t *testing.T, obj, owner client.Object) bool {
	t.Helper()
	gvk, err := c.GroupVersionKindFor(owner)
	if err != nil {
		t.Fatal(err)
	}
	ref := metav1.GetControllerOf(obj)
	return ref != nil && ref.UID == owner.GetUID() && ref.Kind == gvk.Kind && ref.APIVersion == gvk.GroupVersion().String()
}

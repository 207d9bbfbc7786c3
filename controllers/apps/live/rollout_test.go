package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/internal/await"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/polymorphichelpers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
)

const (
	revisionAnnotation = "deployment.kubernetes.io/revision"
	historyAnnotation  = "deployment.kubernetes.io/revision-history"
)

func TestADeploymentRollsOutForwardsAndBack(t *testing.T) {
	eachNaming(t, func(t *testing.T, c *cluster) {
		c.create(t, gen.Replicas(3))
		d := c.rolledOut(t)
		c.revisionIs(t, "1")
		if d.Generation != 1 {
			t.Errorf("a Deployment that nobody has changed is at generation %d", d.Generation)
		}
		c.happened(t, "ScalingReplicaSet", fmt.Sprintf("Scaled up replica set %s from 0 to 3", c.replicaSets(t)[0].Name))

		c.change(t, gen.Image("web:2"))
		c.rolledOut(t)
		c.revisionIs(t, "2")
		if sets := c.replicaSets(t); len(sets) != 2 {
			t.Errorf("after a rollout there are %d ReplicaSets, want 2", len(sets))
		}

		c.change(t, gen.Image("web:1"))
		c.rolledOut(t)
		c.revisionIs(t, "3")
		if !slices.ContainsFunc(c.replicaSets(t), func(rs oappsv1.ReplicaSet) bool { return rs.Annotations[historyAnnotation] == "1" }) {
			t.Error("no ReplicaSet remembers that it was revision 1")
		}

		c.change(t, gen.Replicas(1))
		c.rolledOut(t)
		if pods := c.pods(t); len(pods) != 1 {
			t.Errorf("after scaling to 1 there are %d pods", len(pods))
		}
	})
}

func TestADeploymentKeepsItsOldPodsWhenTheNewOnesNeverGetReady(t *testing.T) {
	eachNaming(t, func(t *testing.T, c *cluster) {
		c.create(t, gen.Replicas(4), gen.Surge("1"), gen.Unavailable("0"), gen.Deadline(3))
		c.rolledOut(t)
		c.change(t, gen.Image(broken))
		c.conditionIs(t, appsv1.DeploymentProgressing, "False ProgressDeadlineExceeded")
		c.conditionIs(t, appsv1.DeploymentAvailable, "True MinimumReplicasAvailable")
		if s := c.deployment(t).Status; s.AvailableReplicas != 4 || s.Replicas != 5 {
			t.Errorf("%d pods available of %d, want 4 of 5", s.AvailableReplicas, s.Replicas)
		}
		c.change(t, gen.Image("web:3"))
		c.rolledOut(t)
	})
}

func TestAQuotaThatIsUsedUpIsReported(t *testing.T) {
	c := start(t, apis.Kubernetes)
	one := corev1.ResourceList{corev1.ResourcePods: resource.MustParse("1")}
	quota := &corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Hard: one}}
	quota.Name, quota.Namespace = "quota", c.namespace
	if err := c.Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	quota.Status = corev1.ResourceQuotaStatus{Hard: one, Used: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}}
	if err := c.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	c.create(t, gen.Replicas(3))
	c.conditionIs(t, appsv1.DeploymentReplicaFailure, "True FailedCreate")
	for _, condition := range c.deployment(t).Status.Conditions {
		if condition.Type == appsv1.DeploymentReplicaFailure && !strings.HasPrefix(condition.Message, `pods "web-`) {
			t.Errorf("ReplicaFailure says %q, want the API server's words", condition.Message)
		}
	}
	if err := c.Delete(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	c.rolledOut(t)
}

func TestKubectlRolloutWorks(t *testing.T) {
	c := start(t, apis.Kubernetes)
	kind := schema.GroupKind{Group: "apps", Kind: "Deployment"}
	set := kubernetes.NewForConfigOrDie(env.Config)
	c.create(t, gen.Replicas(2))
	c.rolledOut(t)
	c.change(t, gen.Image("web:2"))
	c.rolledOut(t)

	viewer, err := polymorphichelpers.HistoryViewerFor(kind, set)
	if err != nil {
		t.Fatal(err)
	}
	history, err := viewer.ViewHistory(c.namespace, "web", 0)
	if err != nil || !strings.Contains(history, "1 ") || !strings.Contains(history, "2 ") {
		t.Errorf("kubectl rollout history says %q, %v; want revisions 1 and 2", history, err)
	}

	rollbacker, err := polymorphichelpers.RollbackerFor(kind, set)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rollbacker.Rollback((*appsv1.Deployment)(c.deployment(t)), nil, 1, cmdutil.DryRunNone); err != nil {
		t.Fatalf("kubectl rollout undo: %v", err)
	}
	if got := c.rolledOut(t).Spec.Template.Spec.Containers[0].Image; got != "web:1" {
		t.Errorf("kubectl rollout undo leaves the image %s", got)
	}
	c.revisionIs(t, "3")

	if _, err := polymorphichelpers.ObjectPauserFn((*appsv1.Deployment)(c.deployment(t))); err != nil {
		t.Errorf("kubectl rollout pause: %v", err)
	}
	c.change(t, gen.Paused)
	c.conditionIs(t, appsv1.DeploymentProgressing, "Unknown DeploymentPaused")
	c.change(t, func(d *oappsv1.Deployment) { d.Spec.Paused = false })
	c.rolledOut(t)

	c.change(t, func(d *oappsv1.Deployment) { // what kubectl rollout restart does
		d.Spec.Template.Annotations = map[string]string{"kubectl.kubernetes.io/restartedAt": "2030-01-02T03:04:05Z"}
	})
	c.rolledOut(t)
	c.revisionIs(t, "4")
}

func TestASliceFollowsItsService(t *testing.T) {
	eachNaming(t, func(t *testing.T, c *cluster) {
		c.create(t, gen.Replicas(3))
		c.rolledOut(t)
		service := gen.Service("web", gen.PublishNotReady) // no pod here has a node
		service.Namespace, service.UID = c.namespace, ""
		if c.naming == apis.Kubernetes {
			service.Spec.ClusterIP = "" // the server gives it one
		}
		if err := c.Create(t.Context(), service); err != nil {
			t.Fatal(err)
		}
		c.endpointsAre(t, 3)
		c.change(t, gen.Replicas(0))
		c.endpointsAre(t, 0)
	})
}

func (c *cluster) endpointsAre(t *testing.T, want int) {
	t.Helper()
	await.Success(t, fmt.Sprintf("the slices list %d pods", want), func() error {
		var list odiscoveryv1.EndpointSliceList
		if err := c.List(t.Context(), &list, client.InNamespace(c.namespace), client.MatchingLabels{"kubernetes.io/service-name": "web"}); err != nil {
			return err
		}
		have := 0
		for _, slice := range list.Items {
			have += len(slice.Endpoints)
		}
		if len(list.Items) != 1 || have != want {
			return fmt.Errorf("%d slices list %d pods", len(list.Items), have)
		}
		return nil
	})
}

func (c *cluster) pods(t *testing.T) []ocorev1.Pod {
	t.Helper()
	var list ocorev1.PodList
	if err := c.List(t.Context(), &list, client.InNamespace(c.namespace)); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func (c *cluster) revisionIs(t *testing.T, want string) {
	t.Helper()
	await.Success(t, "the Deployment is at revision "+want, func() error {
		if got := c.deployment(t).Annotations[revisionAnnotation]; got != want {
			return fmt.Errorf("it is at %q", got)
		}
		return nil
	})
}

func (c *cluster) conditionIs(t *testing.T, kind appsv1.DeploymentConditionType, want string) {
	t.Helper()
	await.Success(t, fmt.Sprintf("%s is %s", kind, want), func() error {
		conditions := c.deployment(t).Status.Conditions
		for _, condition := range conditions {
			if condition.Type == kind && string(condition.Status)+" "+condition.Reason == want {
				return nil
			}
		}
		return fmt.Errorf("%+v", conditions)
	})
}

// happened waits until an event was recorded about the Deployment.
func (c *cluster) happened(t *testing.T, reason, note string) {
	t.Helper()
	await.Success(t, fmt.Sprintf("there is an event %s: %s", reason, note), func() error {
		var events eventsv1.EventList
		if err := c.List(t.Context(), &events, client.InNamespace(c.namespace)); err != nil {
			return err
		}
		var seen []string
		for _, event := range events.Items {
			seen = append(seen, event.Regarding.Kind+" "+event.Reason+": "+event.Note)
		}
		if !slices.Contains(seen, "Deployment "+reason+": "+note) {
			return fmt.Errorf("events %q", seen)
		}
		return nil
	})
}

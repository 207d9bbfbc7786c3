package live

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/scaletarget"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

var env = &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "..", "config", "crd", "bases")}}

func TestMain(m *testing.M) { os.Exit(envtest.Main(m, env)) }

// cluster is a namespace of the server, seen under one naming.
type cluster struct {
	client.Client
	namespace string
}

func eachNaming(t *testing.T, test func(*testing.T, *cluster)) {
	for _, naming := range apis.Namings() {
		t.Run(naming.String(), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := apis.AddToScheme(scheme, naming); err != nil {
				t.Fatal(err)
			}
			c, err := client.New(env.Config, client.Options{Scheme: scheme})
			if err != nil {
				t.Fatal(err)
			}
			test(t, &cluster{c, env.Namespace(t)})
		})
	}
}

// create creates an object as it is built, but for what only the server may set.
func create[T client.Object](t *testing.T, c *cluster, obj T) T {
	t.Helper()
	obj.SetNamespace(c.namespace)
	obj.SetUID("")
	obj.SetGeneration(0)
	if err := c.Create(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
	return obj
}

// report writes the status that change makes.
func report[T client.Object](t *testing.T, c *cluster, obj T, change func(T)) {
	t.Helper()
	change(obj)
	if err := c.Status().Update(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
}

// once plans for a Namespace what a test says.
type once func(p *plan.Plan)

func (once) Observe(context.Context, loop.View, *corev1.Namespace) (struct{}, error) {
	return struct{}{}, nil
}

func (o once) Plan(*corev1.Namespace, struct{}, time.Time) *plan.Plan {
	p := plan.New()
	o(p)
	return p
}

// pass carries a plan out, and returns how the pass ended.
func (c *cluster) pass(t *testing.T, decide func(p *plan.Plan)) reconcile.Result {
	t.Helper()
	r := loop.New("stepper", once(decide)).Reconciler(loop.Cluster{Client: c.Client})
	result, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: c.namespace}})
	if err != nil {
		t.Fatalf("a pass fails: %v", err)
	}
	return result
}

func TestScaleOnAServer(t *testing.T) {
	eachNaming(t, func(t *testing.T, c *cluster) {
		d := create(t, c, gen.Deployment("web", gen.Replicas(3)))
		labelled := d.DeepCopy()
		labelled.Labels = map[string]string{"busy": "yes"}
		result := c.pass(t, func(p *plan.Plan) {
			p.Scale("it is busy", d, 3, 5)
			p.Patch("it is busy", d, labelled) // the scale has told the version that this is locked to
		})
		now := &oappsv1.Deployment{}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(d), now); err != nil {
			t.Fatal(err)
		}
		if *now.Spec.Replicas != 5 || now.Labels["busy"] != "yes" || !result.IsZero() {
			t.Errorf("%d replicas with the labels %v, and the pass is made again after %s", *now.Spec.Replicas, now.Labels, result.RequeueAfter)
		}
		if result := c.pass(t, func(p *plan.Plan) { p.Scale("it is busier", d, 3, 7) }); result.RequeueAfter == 0 {
			t.Error("a Deployment was scaled that had changed since")
		}
		kind, err := apiutil.GVKForObject(d, c.Scheme())
		if err != nil {
			t.Fatal(err)
		}
		target, err := scaletarget.Read(t.Context(), loop.NewView(c, nil, time.Now()), c.namespace,
			scaletarget.Reference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: "web"})
		if err != nil || target.Wanted() != 5 || target.UID() != d.UID {
			t.Errorf("the scale of %s asks for %d (%v)", target.UID(), target.Wanted(), err)
		}
		c.pass(t, func(p *plan.Plan) { target.Set(p, "it is calm", 2) })
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(d), now); err != nil || *now.Spec.Replicas != 2 {
			t.Errorf("%d replicas (%v), want 2", *now.Spec.Replicas, err)
		}
	})
}

func TestEvictOnAServer(t *testing.T) {
	eachNaming(t, func(t *testing.T, c *cluster) {
		pod := create(t, c, gen.Pod("web", gen.Labelled("app", "web")))
		report(t, c, pod, func(pod *ocorev1.Pod) {
			gen.Phase(corev1.PodRunning)(pod)
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		})
		budget := create(t, c, gen.PodDisruptionBudget("web"))
		says := func(allowed int32) {
			report(t, c, budget, func(b *opolicyv1.PodDisruptionBudget) {
				b.Status = policyv1.PodDisruptionBudgetStatus{
					ObservedGeneration: b.Generation, DisruptionsAllowed: allowed, CurrentHealthy: 1, DesiredHealthy: 1, ExpectedPods: 1,
				}
			})
		}
		evicts := func(p *plan.Plan) { p.Evict("the node is drained", pod).GracePeriod(0) }
		says(0)
		if result := c.pass(t, evicts); result.RequeueAfter != 5*time.Second {
			t.Errorf("the pass is made again after %s, want 5s: the budget is used up", result.RequeueAfter)
		}
		says(1)
		if result := c.pass(t, evicts); !result.IsZero() {
			t.Errorf("the pass is made again after %s", result.RequeueAfter)
		}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(pod), &ocorev1.Pod{}); !apierrors.IsNotFound(err) {
			t.Errorf("the pod is not gone: %v", err)
		}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(budget), budget); err != nil {
			t.Fatal(err)
		}
		if _, charged := budget.Status.DisruptedPods["web"]; budget.Status.DisruptionsAllowed != 0 || !charged {
			t.Errorf("the budget was not charged: %+v", budget.Status)
		}
	})
}

func TestFinalizersAndPatchesOnAServer(t *testing.T) {
	const hold = "example.org/hold"
	eachNaming(t, func(t *testing.T, c *cluster) {
		pods := []*ocorev1.Pod{create(t, c, gen.Pod("a")), create(t, c, gen.Pod("b"))}
		c.pass(t, func(p *plan.Plan) { p.AddFinalizer("it is counted", pods[0], hold) })
		// The first has changed since, and holds up nobody.
		result := c.pass(t, func(p *plan.Plan) {
			plan.PatchEach(p, "they serve", pods, func(pod *ocorev1.Pod) { metav1.SetMetaDataLabel(&pod.ObjectMeta, "tier", "front") })
		})
		now := &ocorev1.PodList{}
		if err := c.List(t.Context(), now, client.InNamespace(c.namespace), client.MatchingLabels{"tier": "front"}); err != nil {
			t.Fatal(err)
		}
		if len(now.Items) != 1 || now.Items[0].Name != "b" || result.RequeueAfter == 0 {
			t.Errorf("%d pods serve, and the pass is made again after %s", len(now.Items), result.RequeueAfter)
		}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(pods[0]), pods[0]); err != nil || len(pods[0].Finalizers) != 1 {
			t.Fatalf("the finalizers are %v (%v)", pods[0].Finalizers, err)
		}
		c.pass(t, func(p *plan.Plan) { p.RemoveFinalizer("it has been counted", pods[0], hold) })
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(pods[0]), pods[0]); err != nil || len(pods[0].Finalizers) != 0 {
			t.Errorf("the finalizers are %v (%v)", pods[0].Finalizers, err)
		}
	})
}

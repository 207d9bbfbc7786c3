package drain

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func pod(name, node string, changes ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}, Spec: corev1.PodSpec{NodeName: node}}
	for _, change := range changes {
		change(p)
	}
	return p
}

func ownedBy(version, kind string) func(*corev1.Pod) {
	yes := true
	return func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: "owner", Controller: &yes}}
	}
}

func mirror(p *corev1.Pod) { p.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"} }

func node(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }

// evicting has pods go when they are evicted, unless something holds them.
func evicting(api *fake.Clientset, held func(name string) error) {
	api.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.GetSubresource() != "eviction" {
			return false, nil, nil
		}
		eviction := action.(clienttesting.CreateAction).GetObject().(*policyv1.Eviction)
		if err := held(eviction.Name); err != nil {
			return true, nil, err
		}
		return true, nil, api.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), eviction.Namespace, eviction.Name)
	})
}

func left(t *testing.T, api *fake.Clientset) []string {
	t.Helper()
	pods, err := api.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range pods.Items {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

func TestPodsGoButThoseOfTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fake.NewClientset(node("one"),
			pod("web", "one", ownedBy("apps/v1", "ReplicaSet")), pod("bare", "one"), pod("elsewhere", "two"),
			pod("agent", "one", ownedBy("apps/v1", "DaemonSet")), pod("mirror", "one", mirror),
			pod("lookalike", "one", ownedBy("example.com/v1", "DaemonSet")))
		evicting(api, func(string) error { return nil })
		var said []string
		if err := Node(t.Context(), api, "one", func(s string) { said = append(said, s) }); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(left(t, api), " "); got != "agent elsewhere mirror" {
			t.Errorf("left are %s", got)
		}
		if len(said) != 3 {
			t.Errorf("it said %q", said)
		}
		if n, err := api.CoreV1().Nodes().Get(t.Context(), "one", metav1.GetOptions{}); err != nil || !n.Spec.Unschedulable {
			t.Errorf("the node takes pods (%v)", err)
		}
		if err := Uncordon(t.Context(), api, "one"); err != nil {
			t.Fatal(err)
		}
		if n, err := api.CoreV1().Nodes().Get(t.Context(), "one", metav1.GetOptions{}); err != nil || n.Spec.Unschedulable {
			t.Errorf("the node takes no pods again (%v)", err)
		}
	})
}

func TestABudgetIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		api := fake.NewClientset(node("one"), pod("web", "one"))
		evicting(api, func(string) error {
			if time.Since(began) < time.Minute {
				return apierrors.NewTooManyRequests("it needs 1 healthy pods and has 1 currently", 0)
			}
			return nil
		})
		if err := Node(t.Context(), api, "one", func(string) {}); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited < time.Minute || len(left(t, api)) > 0 {
			t.Errorf("after %s left are %v", waited, left(t, api))
		}
	})
}

func TestWhatHoldsAPodIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fake.NewClientset(node("one"), pod("web", "one"))
		evicting(api, func(string) error {
			return apierrors.NewTooManyRequests("it needs 1 healthy pods and has 1 currently", 0)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := Node(ctx, api, "one", func(string) {})
		if err == nil || !strings.Contains(err.Error(), "pod default/web: it needs 1 healthy pods") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestANodeThatIsNotThereIsNotDrained(t *testing.T) {
	if err := Node(t.Context(), fake.NewClientset(), "one", func(string) {}); err == nil {
		t.Error("it was drained")
	}
}

package rights_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// A session that touches everything that our components do; the audit log tells whether any of it was refused.
func TestNothingThatAComponentDoesIsForbidden(t *testing.T) {
	te := &envtest.Environment{
		TwoNames:       true,
		Scheduler:      true,
		SimulatedNodes: 2,
		// As in a control plane, but a node that has never said a word is missed within a second.
		Components: []envtest.Component{{Name: "controllers", Identity: identity.Controllers, Run: runControllers}},
	}
	log := newAudit(t, te)
	config, err := te.Start()
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, config)
	t.Run("workloads", s.workloads)
	t.Run("garbage", s.garbage)
	t.Run("nodes", s.nodes)
	t.Run("roles", s.roles)
	t.Run("namespaces", s.namespaces)

	// One refusal of our own making shows that they are seen.
	forbidden, err := te.Server().Config(identity.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kubernetes.NewForConfigOrDie(forbidden).CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{}); err == nil {
		t.Error("the proxy may list pods")
	}
	if err := te.Stop(); err != nil {
		t.Error(err)
	}

	tallies := log.tallies(t)
	if got := tallies[identity.Proxy.User].refused; len(got) != 1 {
		t.Errorf("of the one refusal that was provoked the log has %q", got)
	}
	delete(tallies, identity.Proxy.User)
	for _, component := range []identity.Identity{identity.Controllers, identity.Scheduler, identity.SimulatedNodes} {
		if tallies[component.User].answered == 0 {
			t.Errorf("%s has asked for nothing", component.User)
		}
	}
	for user, tally := range tallies {
		t.Logf("%s: %d requests", user, tally.answered)
		for _, refusal := range tally.refused {
			t.Errorf("%s was refused: %s", user, refusal)
		}
	}
}

func runControllers(ctx context.Context, config *rest.Config) error {
	controllers, err := wiring.NewControllers(wiring.Cluster{Config: config, Naming: apis.Kubernetes, Own: true, Log: logr.Discard()},
		wiring.ControllersOptions{Loops: wiring.Loops{
			Cluster:       true,
			ClusterCIDRs:  []netip.Prefix{netip.MustParsePrefix("10.64.0.0/16")},
			NodeLifecycle: nodelifecycle.Options{StartupGracePeriod: time.Second},
		}})
	if err != nil {
		return err
	}
	return controllers.Run(ctx)
}

// session is a person at work.
type session struct{ client.Client }

func newSession(t *testing.T, config *rest.Config) *session {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return &session{c}
}

// workloads rolls a Deployment out behind a Service, scales it, gives it a new version, and one that fits nowhere.
func (s *session) workloads(t *testing.T) {
	s.create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "settings"}, Data: map[string]string{"a": "b"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "password"}, Data: map[string][]byte{"a": []byte("b")}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}},
		})
	web := deployment("web", 3)
	s.create(t, web)
	s.available(t, web)
	await.Until(t, "endpoints of the Service", func() (string, bool) {
		var slices discoveryv1.EndpointSliceList
		err := s.List(t.Context(), &slices, client.InNamespace("default"), client.MatchingLabels{discoveryv1.LabelServiceName: "web"})
		return fmt.Sprint(slices.Items, err), len(slices.Items) == 1 && len(slices.Items[0].Endpoints) == 3
	})
	for _, change := range []func(){
		func() { web.Spec.Replicas = new(int32(5)) },
		func() { web.Spec.Template.Spec.Containers[0].Image = "web:2" },
		func() { web.Spec.Replicas = new(int32(1)) },
	} {
		base := web.DeepCopy()
		change()
		if err := s.Patch(t.Context(), web, client.MergeFrom(base)); err != nil {
			t.Fatal(err)
		}
		s.available(t, web)
	}
	lost := pod("default", "lost")
	lost.Spec.NodeSelector = map[string]string{"example.org/there": "no"}
	s.create(t, lost)
	for _, reason := range []string{"ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "FailedScheduling", "Started"} {
		await.Until(t, "an event "+reason, func() (string, bool) {
			var events eventsv1.EventList
			err := s.List(t.Context(), &events)
			var seen []string
			for _, event := range events.Items {
				seen = append(seen, event.Reason)
			}
			return fmt.Sprint(seen, err), strings.Contains(fmt.Sprint(seen), reason)
		})
	}
}

// garbage deletes owners by each policy, and one of a kind that was not there when the collector started.
func (s *session) garbage(t *testing.T) {
	for _, how := range []metav1.DeletionPropagation{metav1.DeletePropagationForeground, metav1.DeletePropagationBackground, metav1.DeletePropagationOrphan} {
		owner := deployment("garbage-"+strings.ToLower(string(how)), 1)
		s.create(t, owner)
		s.available(t, owner)
		s.remove(t, owner, client.PropagationPolicy(how))
		await.Until(t, "what the Deployment leaves", func() (string, bool) {
			var pods corev1.PodList
			err := s.List(t.Context(), &pods, client.InNamespace("default"), client.MatchingLabels{"app": owner.Name})
			return fmt.Sprint(len(pods.Items), err), len(pods.Items) == 0 == (how != metav1.DeletePropagationOrphan)
		})
	}
	s.create(t, planets())
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "sun"}}
	s.create(t, owner)
	mars := planet("mars", owner)
	await.Until(t, "the kind to be served", func() (string, bool) {
		err := s.Create(t.Context(), mars)
		return fmt.Sprint(err), err == nil
	})
	s.remove(t, owner)
	s.gone(t, mars)
}

// nodes lets one node fall silent under its pod, and go.
func (s *session) nodes(t *testing.T) {
	silent := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "silent"}}
	s.create(t, silent)
	web := pod("default", "stays")
	web.Spec.NodeName = silent.Name
	s.create(t, web)
	await.Until(t, "the node to be emptied", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(silent), silent)
		return fmt.Sprint(silent.Spec, silent.Status.Conditions, err), len(silent.Spec.Taints) == 2 && silent.Spec.PodCIDR != ""
	})
	await.Until(t, "its pod to be told to go", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(web), web)
		return fmt.Sprint(web.Status, err), web.DeletionTimestamp != nil
	})
	s.remove(t, silent)
	s.remove(t, web, client.GracePeriodSeconds(0))
	s.gone(t, web)
}

// roles makes one of others, with rights that nobody has.
func (s *session) roles(t *testing.T) {
	part := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "part", Labels: map[string]string{"part": "of-it"}},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"example.org"}, Resources: []string{"planets"}, Verbs: []string{"*"}}},
	}
	whole := &rbacv1.ClusterRole{
		ObjectMeta:      metav1.ObjectMeta{Name: "whole"},
		AggregationRule: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: part.Labels}}},
	}
	s.create(t, part, whole)
	await.Until(t, "the role to have the rules of its part", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(whole), whole)
		return fmt.Sprint(whole.Rules, err), len(whole.Rules) == 1
	})
}

// namespaces makes one, fills it, and deletes it.
func (s *session) namespaces(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "passing"}}
	s.create(t, namespace)
	for _, made := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "default"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "kube-root-ca.crt"}},
	} {
		await.Until(t, made.GetName(), func() (string, bool) {
			err := s.Get(t.Context(), client.ObjectKeyFromObject(made), made)
			return fmt.Sprint(err), err == nil
		})
	}
	web := deployment("web", 2)
	web.Namespace = namespace.Name
	s.create(t, web, planet("venus", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name}}))
	s.available(t, web)
	s.remove(t, namespace)
	s.gone(t, namespace)
}

func (s *session) create(t *testing.T, objs ...client.Object) {
	t.Helper()
	for _, obj := range objs {
		if err := s.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *session) remove(t *testing.T, obj client.Object, options ...client.DeleteOption) {
	t.Helper()
	if err := s.Delete(t.Context(), obj, options...); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

// gone waits until an object is.
func (s *session) gone(t *testing.T, obj client.Object) {
	t.Helper()
	await.Until(t, "the end of "+obj.GetName(), func() (string, bool) {
		now := obj.DeepCopyObject().(client.Object)
		err := s.Get(t.Context(), client.ObjectKeyFromObject(obj), now)
		return fmt.Sprint(now.GetFinalizers(), err), err != nil && client.IgnoreNotFound(err) == nil
	})
}

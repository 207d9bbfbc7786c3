package rights_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/test/auditlog"
)

// A session that touches everything that our components do; the audit log tells whether any of it was refused, and which of
// their rights they did not use.
func TestComponentsAskForJustWhatTheyMay(t *testing.T) {
	te := &envtest.Environment{
		TwoNames:       true,
		Scheduler:      true,
		SimulatedNodes: 2,
	}
	// As in a control plane, but a node that has never said a word is missed within seconds.
	te.Components = []envtest.Component{{Name: "controllers", Identity: identity.ControllerCache, Run: func(ctx context.Context, config *rest.Config) error {
		return runControllers(ctx, config, te.Server())
	}}}
	log := newAudit(t, te)
	config, err := te.Start()
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, config)
	t.Run("workloads", s.workloads)
	t.Run("garbage", s.garbage)
	t.Run("sets", s.sets)
	t.Run("jobs", s.jobs)
	t.Run("protected", s.protected)
	t.Run("quota", s.quota)
	t.Run("nodes", s.nodes)
	t.Run("roles", s.roles)
	t.Run("namespaces", s.namespaces)
	t.Run("tokens", s.tokens)
	t.Run("certificates", s.certificates)
	t.Run("bootstrap", s.bootstrap)
	t.Run("volumes", s.volumes)

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

	did, err := log.Components()
	if err != nil {
		t.Fatal(err)
	}
	if proxy := did[identity.Proxy.User]; proxy == nil || len(proxy.Refused) != 1 {
		t.Errorf("of the one refusal that was provoked the log has %v", proxy)
	}
	delete(did, identity.Proxy.User)
	for user, activity := range did {
		t.Logf("%s: %d requests", user, activity.Answered)
		for _, refusal := range activity.Refused {
			t.Errorf("%s was refused: %s", user, refusal)
		}
	}
	everythingIsUsed(t, did)
}

// newAudit has an environment write an audit log.
func newAudit(t *testing.T, te *envtest.Environment) auditlog.Log {
	t.Helper()
	log, err := auditlog.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	te.ControlPlane.GetAPIServer().Configure().Append("audit-policy-file", log.Policy).Append("audit-log-path", log.Path)
	return log
}

func runControllers(ctx context.Context, config *rest.Config, server *apiserver.Server) error {
	cluster := wiring.Cluster{Config: config, Naming: apis.Kubernetes, Log: logr.Discard()}.Beside(server)
	controllers, err := wiring.NewControllers(cluster, wiring.ControllersOptions{Loops: wiring.Loops{
		Cluster:       true,
		ClusterCIDRs:  []netip.Prefix{netip.MustParsePrefix("10.64.0.0/16")},
		NodeLifecycle: nodelifecycle.Options{StartupGracePeriod: 3 * time.Second},
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
		s.change(t, web, change)
		s.available(t, web)
	}
	s.historyOf(t, web)
	s.strangers(t)
	s.mirrored(t)
	lost := pod("default", "lost")
	lost.Spec.NodeSelector = map[string]string{"example.org/there": "no"}
	s.create(t, lost)
	for _, reason := range []string{"ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "FailedScheduling", "Started"} {
		s.recorded(t, reason)
	}
}

// recorded waits for an event with a reason.
func (s *session) recorded(t *testing.T, reason string) {
	t.Helper()
	await.Until(t, "an event "+reason, func() (string, bool) {
		var events eventsv1.EventList
		err := s.List(t.Context(), &events)
		var seen []string
		for _, event := range events.Items {
			seen = append(seen, event.Reason)
		}
		return fmt.Sprint(seen, err), slices.Contains(seen, reason)
	})
}

// historyOf goes back to the first revision of a Deployment by the old way, and then has it keep none.
func (s *session) historyOf(t *testing.T, web *appsv1.Deployment) {
	s.change(t, web, func() { web.Annotations[appsv1.DeprecatedRollbackTo] = "1" })
	await.Until(t, "the first revision", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(web), web)
		return fmt.Sprint(web.Annotations, err), web.Annotations[appsv1.DeprecatedRollbackTo] == "" && web.Spec.Template.Spec.Containers[0].Image == "web:1"
	})
	s.available(t, web)
	s.change(t, web, func() { web.Spec.RevisionHistoryLimit = new(int32) })
	await.Until(t, "the end of all other revisions", func() (string, bool) {
		var sets appsv1.ReplicaSetList
		err := s.List(t.Context(), &sets, client.InNamespace("default"), client.MatchingLabels{"app": "web"})
		return fmt.Sprint(len(sets.Items), err), len(sets.Items) == 1
	})
}

// strangers has a pod that a ReplicaSet adopts, and a slice of a family that its Service does not have.
func (s *session) strangers(t *testing.T) {
	service := &corev1.Service{}
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "web"}, service); err != nil {
		t.Fatal(err)
	}
	stray := pod("default", "stray")
	stray.Labels = map[string]string{"app": "stray"}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "surplus",
			Labels:          map[string]string{discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(service, corev1.SchemeGroupVersion.WithKind("Service"))},
		},
		AddressType: discoveryv1.AddressTypeIPv6,
	}
	s.create(t, stray, slice, &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "stray"},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: stray.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: stray.Labels}, Spec: stray.Spec},
		},
	})
	await.Until(t, "the pod to be adopted", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(stray), stray)
		return fmt.Sprint(stray.OwnerReferences, err), metav1.GetControllerOf(stray) != nil
	})
	s.gone(t, slice)
}

// mirrored has Endpoints that somebody made, of a Service that gets a selector later, and goes.
func (s *session) mirrored(t *testing.T) {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "outside"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	endpoints := &corev1.Endpoints{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "outside"},
		Subsets:    subsetOf("192.0.2.1"),
	}
	s.create(t, service, endpoints)
	s.lists(t, service, "192.0.2.1")
	s.change(t, endpoints, func() { endpoints.Subsets = subsetOf("192.0.2.2") })
	s.lists(t, service, "192.0.2.2")
	s.change(t, service, func() { service.Spec.Selector = map[string]string{"app": "nothing"} })
	s.lists(t, service, "")
	s.remove(t, service)
	s.gone(t, endpoints)
}

func subsetOf(ip string) []corev1.EndpointSubset {
	return []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: ip}}, Ports: []corev1.EndpointPort{{Port: 80}}}}
}

// lists waits until the slices of a Service list an address alone, or none where it is empty.
func (s *session) lists(t *testing.T, service *corev1.Service, address string) {
	t.Helper()
	await.Until(t, "slices that list "+address, func() (string, bool) {
		var found discoveryv1.EndpointSliceList
		err := s.List(t.Context(), &found, client.InNamespace(service.Namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service.Name})
		listed := ""
		for _, slice := range found.Items {
			for _, e := range slice.Endpoints {
				listed += e.Addresses[0]
			}
		}
		return fmt.Sprint(found.Items, err), err == nil && listed == address
	})
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

	s.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "elsewhere"}})
	far := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "elsewhere", Name: "far"}}
	s.create(t, far)
	near := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "near", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: far.Name, UID: far.UID},
	}}}
	s.create(t, near)
	s.recorded(t, "OwnerRefInvalidNamespace")
	s.gone(t, near)
}

// nodes lets one node fall silent under its pod, and go: somebody says that it will not come back.
func (s *session) nodes(t *testing.T) {
	silent := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "silent"}}
	web := pod("default", "stays")
	web.Spec.NodeName = silent.Name
	s.create(t, web)
	base := web.DeepCopy()
	web.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := s.Status().Patch(t.Context(), web, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
	s.create(t, silent) // last: once it is missed, nobody looks whether its pods get ready
	await.Until(t, "the node to be emptied", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(silent), silent)
		return fmt.Sprint(silent.Spec, silent.Status.Conditions, err), len(silent.Spec.Taints) == 2 && silent.Spec.PodCIDR != ""
	})
	await.Until(t, "its pod to be told to go", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(web), web)
		return fmt.Sprint(web.Status, err), web.DeletionTimestamp != nil
	})
	s.change(t, silent, func() {
		silent.Spec.Taints = append(silent.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute})
	})
	s.gone(t, web)
	s.remove(t, silent)
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
	published := &corev1.ConfigMap{}
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: namespace.Name, Name: "kube-root-ca.crt"}, published); err != nil {
		t.Fatal(err)
	}
	s.change(t, published, func() { published.Data = nil })
	await.Until(t, "the root CA to be published again", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(published), published)
		return fmt.Sprint(err), err == nil && len(published.Data) > 0
	})
	web := deployment("web", 2)
	web.Namespace = namespace.Name
	s.create(t, web, planet("venus", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name}}))
	s.available(t, web)
	s.remove(t, namespace)
	s.gone(t, namespace)
}

// tokens asks for a token of a ServiceAccount, and takes the account away.
func (s *session) tokens(t *testing.T) {
	builder := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "builder"}}
	token := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "builder-token", Annotations: map[string]string{corev1.ServiceAccountNameKey: builder.Name},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	s.create(t, builder, token)
	await.Until(t, "the Secret to have a token", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(token), token)
		return fmt.Sprint(err), err == nil && len(token.Data[corev1.ServiceAccountTokenKey]) > 0
	})
	s.remove(t, builder)
	s.gone(t, token)
}

// volumes makes a pod with two ephemeral volumes, one of which has the name of somebody else's claim. Nobody schedules it.
func (s *session) volumes(t *testing.T) {
	template := corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
	}}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "keeper"},
		Spec: corev1.PodSpec{
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.org/never"}},
			Containers:      []corev1.Container{{Name: "main", Image: "main"}},
		},
	}
	for _, name := range []string{"own", "taken"} {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &template},
		}})
	}
	s.create(t, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "keeper-taken"}, Spec: template.Spec}, pod)
	await.Success(t, "the pod has its claim", func() error {
		return s.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "keeper-own"}, &corev1.PersistentVolumeClaim{})
	})
	s.recorded(t, "FailedBinding")
}

// change changes an object.
func (s *session) change(t *testing.T, obj client.Object, change func()) {
	t.Helper()
	base := obj.DeepCopyObject().(client.Object)
	change()
	if err := s.Patch(t.Context(), obj, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
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

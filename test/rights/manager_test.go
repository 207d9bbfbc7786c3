package rights_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/envtest/rbac"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
)

// The manager with the roles of config/rbac and no others: it does all that it has to with our kinds, and tries nothing else. Nor
// do simulated nodes, with their role.
func TestAManagerNeedsNoMoreThanItsRole(t *testing.T) {
	m := newForeign(t, wiring.Loops{}, "rbac/role.yaml", "rbac/scheduler_role.yaml")
	m.rollsOut(t)
	m.losesANode(t)

	// What every cluster has is not its business: here nobody makes these.
	for _, obj := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "default"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kube-root-ca.crt"}},
	} {
		if err := m.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); client.IgnoreNotFound(err) != nil || err == nil {
			t.Errorf("reading %s, which nobody makes: %v", obj.GetName(), err)
		}
	}
}

// The manager of a bare API server, with the role of config/cluster-loops as well.
func TestAManagerOfABareServerNeedsNoMoreThanItsRoles(t *testing.T) {
	m := newForeign(t, wiring.Loops{Cluster: true}, "rbac/role.yaml", "rbac/scheduler_role.yaml", "cluster-loops/role.yaml")
	web := m.rollsOut(t)
	if err := m.Delete(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the collection of what the Deployment owned", func() (string, bool) {
		var pods ocorev1.PodList
		err := m.List(t.Context(), &pods, client.InNamespace("default"))
		return fmt.Sprint(len(pods.Items), err), err == nil && len(pods.Items) == 0
	})
	passing := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "passing"}}
	if err := m.Create(t.Context(), passing); err != nil {
		t.Fatal(err)
	}
	for _, made := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "passing", Name: "default"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "passing", Name: "kube-root-ca.crt"}},
	} {
		await.Success(t, made.GetName()+" is made", func() error { return m.Get(t.Context(), client.ObjectKeyFromObject(made), made) })
	}
	m.remove(t, passing)
	m.gone(t, passing)
}

// foreign is a cluster that knows our kinds as custom resources, with a manager at work on it.
type foreign struct {
	session
	env *envtest.Environment
}

func newForeign(t *testing.T, loops wiring.Loops, roles ...string) *foreign {
	t.Helper()
	loops.ClusterCIDRs = []netip.Prefix{netip.MustParsePrefix("10.64.0.0/16")}
	te := &envtest.Environment{CRDDirectoryPaths: []string{"../../config/crd/bases"}, ErrorIfCRDPathMissing: true}
	config, err := te.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := te.Stop(); err != nil {
			t.Error(err)
		}
	})
	scheme, err := wiring.Scheme(apis.Orrery)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	m := &foreign{session{Client: c}, te}
	m.run(t, roles, func(ctx context.Context, config *rest.Config) error { return runManager(ctx, config, loops) })
	// In a manager, simulated nodes are the same user as the rest of it; here they have their own role alone.
	m.run(t, []string{"simulated-nodes/role.yaml"}, func(ctx context.Context, config *rest.Config) error {
		fleet, err := wiring.NewFleet(wiring.Cluster{Config: config, Naming: apis.Orrery}, nodeagent.FleetOptions{Nodes: 2})
		if err != nil {
			return err
		}
		return fleet.Run(ctx)
	})
	return m
}

// run runs a part with the roles in files of config, of which it may not lack any right.
func (m *foreign) run(t *testing.T, roles []string, part func(context.Context, *rest.Config) error) {
	t.Helper()
	var paths []string
	for _, role := range roles {
		paths = append(paths, filepath.Join("../../config", role))
	}
	config := m.env.Prove(t, rbac.Options{Roles: paths, Unused: []rbac.Reason{
		{Why: "this session is a short one: what is asked for that nobody needs is found by TestComponentsAskForJustWhatTheyMay, as the same markers say it"},
	}})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- part(ctx, config) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("running with the roles %v: %v", roles, err)
		}
	})
}

func runManager(ctx context.Context, config *rest.Config, loops wiring.Loops) error {
	cluster := wiring.Cluster{Config: config, Naming: apis.Orrery, Log: logr.Discard()}
	controllers, err := wiring.NewControllers(cluster, wiring.ControllersOptions{Loops: loops})
	if err != nil {
		return err
	}
	scheduler, err := wiring.NewScheduler(cluster, nil)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return controllers.Run(ctx) })
	group.Go(func() error { return scheduler.Run(ctx) })
	return group.Wait()
}

// rollsOut takes a Deployment behind a Service through a change of its size and of its version.
func (m *foreign) rollsOut(t *testing.T) *oappsv1.Deployment {
	t.Helper()
	labels := map[string]string{"app": "web"}
	service := &ocorev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, Protocol: corev1.ProtocolTCP}}},
	}
	web := &oappsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(3)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}
	m.create(t, service, web)
	m.complete(t, web)
	for _, change := range []func(){
		func() { web.Spec.Replicas = new(int32(5)) },
		func() { web.Spec.Template.Spec.Containers[0].Image = "web:2" },
		func() { web.Spec.Replicas = new(int32(2)) },
	} {
		base := web.DeepCopy()
		change()
		if err := m.Patch(t.Context(), web, client.MergeFrom(base)); err != nil {
			t.Fatal(err)
		}
		m.complete(t, web)
	}
	return web
}

func (m *foreign) complete(t *testing.T, web *oappsv1.Deployment) {
	t.Helper()
	await.Until(t, web.Name+" to have rolled out", func() (string, bool) {
		now := &oappsv1.Deployment{}
		err := m.Get(t.Context(), client.ObjectKeyFromObject(web), now)
		status, wanted := now.Status, *web.Spec.Replicas
		return fmt.Sprintf("%+v %v", status, err), status.ObservedGeneration >= web.Generation &&
			status.AvailableReplicas == wanted && status.UpdatedReplicas == wanted && status.Replicas == wanted
	})
}

// losesANode has a node of ours that says nothing, and goes with the pod that is bound to it.
func (m *foreign) losesANode(t *testing.T) {
	t.Helper()
	silent := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "silent"}}
	m.create(t, silent)
	await.Until(t, "the node to have a range of addresses", func() (string, bool) {
		err := m.Get(t.Context(), client.ObjectKeyFromObject(silent), silent)
		return fmt.Sprint(silent.Spec, err), silent.Spec.PodCIDR != ""
	})
	lost := (*ocorev1.Pod)(pod("default", "lost"))
	lost.Spec.NodeName = silent.Name
	m.create(t, lost)
	m.remove(t, silent)
	m.remove(t, lost)
	m.gone(t, lost)
}

package rights_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/test/auditlog"
)

// managerUser is who the manager is on a cluster where our kinds are custom resources.
const managerUser = "orrery:manager"

// The manager with the roles of config/rbac and no others: it does all that it has to with our kinds, and tries nothing else.
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
	m.nothingWasRefused(t)
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
	m.nothingWasRefused(t)
}

// foreign is a cluster that knows our kinds as custom resources, with a manager at work on it.
type foreign struct {
	session
	env *envtest.Environment
	log auditlog.Log
}

func newForeign(t *testing.T, loops wiring.Loops, roles ...string) *foreign {
	t.Helper()
	granted := make(chan struct{})
	loops.ClusterCIDRs = []netip.Prefix{netip.MustParsePrefix("10.64.0.0/16")}
	te := &envtest.Environment{
		CRDDirectoryPaths: []string{"../../config/crd/bases"}, ErrorIfCRDPathMissing: true,
		Components: []envtest.Component{
			{Name: "manager", Identity: identity.Identity{User: managerUser}, Run: func(ctx context.Context, config *rest.Config) error {
				select {
				case <-granted:
					return runManager(ctx, config, loops)
				case <-ctx.Done():
					return nil
				}
			}},
			{Name: "nodes", Run: func(ctx context.Context, config *rest.Config) error {
				fleet, err := wiring.NewFleet(wiring.Cluster{Config: config, Naming: apis.Orrery}, nodeagent.FleetOptions{Nodes: 2})
				if err != nil {
					return err
				}
				return fleet.Run(ctx)
			}},
		},
	}
	log := newAudit(t, te)
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
	grant(t, c, config, roles)
	close(granted)
	return &foreign{session{Client: c}, te, log}
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

// grant binds the manager to the roles in files of config, and waits until the last of them counts.
func grant(t *testing.T, c client.Client, config *rest.Config, files []string) {
	t.Helper()
	var last rbacv1.PolicyRule
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join("../../config", file))
		if err != nil {
			t.Fatal(err)
		}
		role := &rbacv1.ClusterRole{}
		if err := yaml.UnmarshalStrict(data, role); err != nil {
			t.Fatal(err)
		}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: managerUser}},
		}
		for _, obj := range []client.Object{role, binding} {
			if err := c.Create(t.Context(), obj); err != nil {
				t.Fatal(err)
			}
		}
		last = role.Rules[len(role.Rules)-1]
	}
	reviews := kubernetes.NewForConfigOrDie(config).AuthorizationV1().SubjectAccessReviews()
	await.Until(t, "the roles to count", func() (string, bool) {
		review, err := reviews.Create(t.Context(), &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               managerUser,
			ResourceAttributes: &authorizationv1.ResourceAttributes{Group: last.APIGroups[0], Resource: last.Resources[0], Verb: last.Verbs[0]},
		}}, metav1.CreateOptions{})
		return fmt.Sprint(review.Status, err), err == nil && review.Status.Allowed
	})
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

// nothingWasRefused ends the cluster, and reads in its log what the manager was refused.
func (m *foreign) nothingWasRefused(t *testing.T) {
	t.Helper()
	if err := m.env.Stop(); err != nil {
		t.Error(err)
	}
	components, err := m.log.Components()
	if err != nil {
		t.Fatal(err)
	}
	did := components[managerUser]
	if did == nil {
		t.Fatal("the manager has asked for nothing")
	}
	for _, refusal := range did.Refused {
		t.Errorf("the manager was refused: %s", refusal)
	}
}

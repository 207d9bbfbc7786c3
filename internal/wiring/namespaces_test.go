package wiring

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/internal/await"
)

var rbacMarker = regexp.MustCompile(`\+kubebuilder:rbac:groups=[^,]*,resources=([^,]+),`)

// inNoNamespace are resources that loops of our kinds ask for and that are in none, besides those of our own.
var inNoNamespace = []string{"namespaces"}

// A loop that is run in some namespaces has no right to what is in none: so it must not ask for it, by its RBAC markers.
func TestLoopsOfNamespacesAskForNothingThatIsInNone(t *testing.T) {
	scheme, err := Scheme(apis.Orrery)
	if err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(coordinationv1.SchemeGroupVersion.WithKind("Lease"), meta.RESTScopeNamespace)
	none := slices.Clone(inNoNamespace)
	for _, k := range apis.Kinds() {
		scope := meta.RESTScopeNamespace
		if k.Scope == apis.Cluster {
			none = append(none, k.Resource)
			scope = meta.RESTScopeRoot
		}
		mapper.Add(k.GroupVersionKind(apis.Orrery), scope)
	}
	entries := controllers.Within(controllers.OurKinds, controllers.All(controllers.Options{}))
	can, cannot, err := Namespaces{"shop"}.confined(scheme, mapper, entries)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		entries []controllers.Entry
		asks    bool
	}{{can, false}, {cannot, true}} {
		for _, e := range c.entries {
			asked := slices.DeleteFunc(resourcesOf(t, e.Room), func(resource string) bool { return !slices.Contains(none, resource) })
			if len(asked) > 0 != c.asks {
				t.Errorf("%s asks for %v, and that it needs what is in no namespace is %t", e.Room, asked, c.asks)
			}
		}
	}
	if all, left, err := (Namespaces{}).confined(scheme, mapper, entries); err != nil || len(left) > 0 || len(all) != len(entries) {
		t.Errorf("in all namespaces %d loops of %d run, and %d do not (%v)", len(all), len(entries), len(left), err)
	}
}

// resourcesOf are the resources that the RBAC markers of a room name, without subresources.
func resourcesOf(t *testing.T, room string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../controllers", room, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no files in %s (%v)", room, err)
	}
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range rbacMarker.FindAllSubmatch(text, -1) {
			for resource := range strings.SplitSeq(string(found[1]), ";") {
				resource, _, _ = strings.Cut(resource, "/")
				all = append(all, resource)
			}
		}
	}
	return all
}

// shopkeeper is who a manager is that has its rights in one namespace.
const shopkeeper = "shopkeeper"

// TestAManagerOfNamespacesNeedsNoRightsElsewhere gives the manager's role in one namespace alone: if anything were read or written
// elsewhere, a cache would not be filled, and the manager not be ready.
func TestAManagerOfNamespacesNeedsNoRightsElsewhere(t *testing.T) {
	klog.SetLogger(logr.Discard())
	defer klog.ClearLogger()
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, Logger: logr.Discard()})
	config := testserver.Config(t, server, identity.Admin)
	clients := kubernetes.NewForConfigOrDie(config)
	for _, name := range []string{"shop", "blog"} {
		if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := clients.AppsV1().Deployments(name).Create(t.Context(), web(), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	bindManager(t, clients, "shop")

	confined := rest.CopyConfig(config)
	confined.Impersonate = rest.ImpersonationConfig{UserName: shopkeeper, Groups: []string{"system:authenticated"}}
	cluster, shop := Cluster{Config: confined, Naming: apis.Kubernetes, Log: logr.Discard()}, Namespaces{"shop"}
	refusesDaemonSets(t, cluster, shop)
	mgr, err := NewControllers(cluster, ControllersOptions{Namespaces: shop})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	<-mgr.Ready()
	await.Until(t, "a ReplicaSet of the Deployment of the shop", func() (string, bool) {
		sets, err := clients.AppsV1().ReplicaSets("shop").List(t.Context(), metav1.ListOptions{})
		return fmt.Sprint(sets, err), err == nil && len(sets.Items) == 1
	})
	elsewhere, err := clients.AppsV1().ReplicaSets("blog").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(elsewhere.Items) > 0 {
		t.Errorf("the Deployment of the blog has %v (%v), want nobody to look after it", elsewhere, err)
	}
}

// refusesDaemonSets has a loop refused that is named, and cannot be confined.
func refusesDaemonSets(t *testing.T, cluster Cluster, shop Namespaces) {
	t.Helper()
	var selection Selection
	if err := selection.Set("daemonset"); err != nil {
		t.Fatal(err)
	}
	_, err := NewControllers(cluster, ControllersOptions{Loops: Loops{Selection: selection}, Namespaces: shop})
	const want = "daemonset-controller cannot run in the namespaces shop alone: it has to see objects that are in none, as nodes or volumes"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func web() *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
		},
	}}
}

// bindManager grants the manager's role of config/rbac in one namespace, by the names that kinds have on a server of ours.
func bindManager(t *testing.T, clients kubernetes.Interface, namespace string) {
	t.Helper()
	text, err := os.ReadFile("../../config/rbac/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var role rbacv1.ClusterRole
	if err := yaml.Unmarshal(text, &role); err != nil {
		t.Fatal(err)
	}
	for i := range role.Rules {
		for j, group := range role.Rules[i].APIGroups {
			role.Rules[i].APIGroups[j] = apis.Kubernetes.Group(group)
		}
	}
	if _, err := clients.RbacV1().ClusterRoles().Create(t.Context(), &role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: shopkeeper},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: shopkeeper}},
	}
	if _, err := clients.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

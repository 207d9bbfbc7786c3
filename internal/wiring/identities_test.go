package wiring

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
)

// A loop that may list and watch Secrets reads them in its cache, and is the only one who may: the cache that loops share may not.
func TestALoopReadsSecretsAsItself(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t, apiserver.Options{Ephemeral: true})
	admin := kubernetes.NewForConfigOrDie(testserver.Config(t, server, identity.Admin))
	const loop = "deployment-controller"
	who := identity.Controller(loop).User
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "secrets"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list", "watch"}}},
	}
	if _, err := admin.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "secrets"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: who}},
	}
	if _, err := admin.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	password := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "password"}}
	if _, err := admin.CoreV1().Secrets("default").Create(t.Context(), password, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	c, err := Own(server, identity.ControllerCache, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := NewManager(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := newIdentities(c.ConfigOf, nil).as(mgr, loop)
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
	await.Until(t, "the Secret in the loop's own cache", func() (string, bool) {
		err := own.GetClient().Get(t.Context(), client.ObjectKeyFromObject(password), password)
		return fmt.Sprint(err), err == nil
	})
}

package apiserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/await"
)

func TestEachComponentMayDoWhatItNeedsAndNoMore(t *testing.T) {
	server := shared(t)
	for _, test := range []struct {
		who      identity.Identity
		verb     string
		resource authorizationv1.ResourceAttributes
		want     bool
	}{
		{identity.Admin, "deletes nodes", authorizationv1.ResourceAttributes{Verb: "delete", Resource: "nodes"}, true},
		{identity.Admin, "does anything", authorizationv1.ResourceAttributes{Verb: "*", Group: "*", Resource: "*"}, true},
		{identity.Scheduler, "binds pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods", Subresource: "binding"}, true},
		{identity.Scheduler, "reads nodes", authorizationv1.ResourceAttributes{Verb: "list", Resource: "nodes"}, true},
		{identity.Scheduler, "reads Secrets", authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets"}, false},
		{identity.Scheduler, "writes Deployments", authorizationv1.ResourceAttributes{Verb: "update", Group: "apps", Resource: "deployments"}, false},
		{identity.Controller("replicaset-controller"), "creates pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods"}, true},
		{identity.Controller("replicaset-controller"), "assigns pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods", Subresource: "binding"}, false},
		{identity.Controller("replicaset-controller"), "runs commands in pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods", Subresource: "exec"}, false},
		{identity.Controller("replicaset-controller"), "writes ReplicaSets", authorizationv1.ResourceAttributes{Verb: "patch", Group: "apps", Resource: "replicasets"}, false},
		{identity.Controller("deployment-controller"), "scales ReplicaSets", authorizationv1.ResourceAttributes{Verb: "patch", Group: "apps", Resource: "replicasets"}, true},
		{identity.Controller("deployment-controller"), "creates Deployments", authorizationv1.ResourceAttributes{Verb: "create", Group: "apps", Resource: "deployments"}, false},
		{identity.Controller("deployment-controller"), "creates pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods"}, false},
		{identity.Controller("deployment-controller"), "watches pods, which the cache does", authorizationv1.ResourceAttributes{Verb: "watch", Resource: "pods"}, false},
		{identity.Controller("deployment-controller"), "deletes objects of any kind", authorizationv1.ResourceAttributes{Verb: "delete", Group: "example.org", Resource: "planets"}, false},
		{identity.Controller("deployment-controller"), "acts for others", authorizationv1.ResourceAttributes{Verb: "impersonate", Resource: "users"}, false},
		{identity.Controller("serviceaccount-controller"), "gives out tokens", authorizationv1.ResourceAttributes{Verb: "create", Resource: "serviceaccounts", Subresource: "token"}, false},
		{identity.Controller("serviceaccount-controller"), "creates Secrets", authorizationv1.ResourceAttributes{Verb: "create", Resource: "secrets"}, false},
		{identity.Controller("node-lifecycle-controller"), "writes leases", authorizationv1.ResourceAttributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases"}, false},
		{identity.Controller("garbage-collector-controller"), "deletes objects of any kind", authorizationv1.ResourceAttributes{Verb: "delete", Group: "example.org", Resource: "planets"}, true},
		{identity.Controller("garbage-collector-controller"), "creates roles", authorizationv1.ResourceAttributes{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"}, false},
		{identity.Controller("garbage-collector-controller"), "gives itself rights", authorizationv1.ResourceAttributes{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"}, false},
		{identity.Controller("garbage-collector-controller"), "signs certificates", authorizationv1.ResourceAttributes{Verb: "sign", Group: "certificates.k8s.io", Resource: "signers"}, false},
		{identity.Controller("clusterrole-aggregation-controller"), "fills roles with any right", authorizationv1.ResourceAttributes{Verb: "escalate", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"}, true},
		{identity.Controller("clusterrole-aggregation-controller"), "binds roles", authorizationv1.ResourceAttributes{Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"}, false},
		{identity.ControllerCache, "watches pods", authorizationv1.ResourceAttributes{Verb: "watch", Resource: "pods"}, true},
		{identity.ControllerCache, "creates pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods"}, false},
		{identity.ControllerCache, "watches Secrets", authorizationv1.ResourceAttributes{Verb: "watch", Resource: "secrets"}, false},
		{identity.ControllerCache, "watches any kind", authorizationv1.ResourceAttributes{Verb: "watch", Group: "example.org", Resource: "planets"}, false},
		{identity.Proxy, "reads EndpointSlices", authorizationv1.ResourceAttributes{Verb: "watch", Group: "discovery.k8s.io", Resource: "endpointslices"}, true},
		{identity.Proxy, "reads pods", authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods"}, true},
		{identity.Scheduler, "lists Secrets", authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"}, false},
		{identity.Scheduler, "changes pods", authorizationv1.ResourceAttributes{Verb: "patch", Resource: "pods"}, false},
		{identity.Scheduler, "evicts pods, for more important ones", authorizationv1.ResourceAttributes{Verb: "delete", Resource: "pods"}, true},
		{identity.Scheduler, "creates pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods"}, false},
		{identity.Scheduler, "deletes volumes", authorizationv1.ResourceAttributes{Verb: "delete", Resource: "persistentvolumes"}, false},
		{identity.Scheduler, "changes nodes", authorizationv1.ResourceAttributes{Verb: "patch", Resource: "nodes"}, false},
		{identity.Scheduler, "renews its own lease", authorizationv1.ResourceAttributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "kube-system", Name: "kube-scheduler"}, true},
		{identity.Scheduler, "renews a node's lease", authorizationv1.ResourceAttributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "kube-node-lease", Name: "one"}, false},
		{identity.Proxy, "writes EndpointSlices", authorizationv1.ResourceAttributes{Verb: "patch", Group: "discovery.k8s.io", Resource: "endpointslices"}, false},
		{identity.Proxy, "writes Services", authorizationv1.ResourceAttributes{Verb: "update", Resource: "services"}, false},
		{identity.Proxy, "creates events", authorizationv1.ResourceAttributes{Verb: "create", Resource: "events"}, false},
		{identity.Proxy, "reads Secrets", authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets"}, false},
		{identity.DNS, "reads Services", authorizationv1.ResourceAttributes{Verb: "watch", Resource: "services"}, true},
		{identity.DNS, "reads its Corefile", authorizationv1.ResourceAttributes{Verb: "watch", Namespace: "kube-system", Resource: "configmaps", Name: "coredns"}, true},
		{identity.DNS, "reads other ConfigMaps", authorizationv1.ResourceAttributes{Verb: "list", Namespace: "kube-system", Resource: "configmaps"}, false},
		{identity.DNS, "changes its Corefile", authorizationv1.ResourceAttributes{Verb: "update", Namespace: "kube-system", Resource: "configmaps", Name: "coredns"}, false},
		{identity.DNS, "is an endpoint of other Services", authorizationv1.ResourceAttributes{Verb: "create", Namespace: "default", Group: "discovery.k8s.io", Resource: "endpointslices"}, false},
		{identity.DNS, "reads Secrets", authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets"}, false},

		{identity.Proxy, "reads nodes", authorizationv1.ResourceAttributes{Verb: "list", Resource: "nodes"}, true},
		{identity.SimulatedNodes, "registers", authorizationv1.ResourceAttributes{Verb: "create", Resource: "nodes"}, true},
		{identity.SimulatedNodes, "reads a pod's Secret", authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: "default", Name: "password"}, true},
		{identity.SimulatedNodes, "lists Secrets", authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"}, false},
		{identity.SimulatedNodes, "creates pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods"}, false},
		{identity.SimulatedNodes, "deletes nodes", authorizationv1.ResourceAttributes{Verb: "delete", Resource: "nodes"}, false},
		{identity.SimulatedNodes, "gives out tokens", authorizationv1.ResourceAttributes{Verb: "create", Resource: "serviceaccounts", Subresource: "token"}, false},
		{identity.SimulatedNodes, "renews a node's lease", authorizationv1.ResourceAttributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "kube-node-lease", Name: "one"}, true},
		{identity.SimulatedNodes, "renews the scheduler's lease", authorizationv1.ResourceAttributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "kube-system", Name: "kube-scheduler"}, false},
		{identity.APIServer, "calls node agents", authorizationv1.ResourceAttributes{Verb: "create", Resource: "nodes", Subresource: "proxy"}, true},
		{identity.APIServer, "reads Secrets", authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets"}, false},
		{identity.Node("one"), "registers", authorizationv1.ResourceAttributes{Verb: "create", Resource: "nodes"}, true},
		{identity.Node("one"), "reads all Secrets", authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"}, false},
		{identity.Node("one"), "asks what its clients may do", authorizationv1.ResourceAttributes{Verb: "create", Group: "authorization.k8s.io", Resource: "subjectaccessreviews"}, true},
		{identity.Node("one"), "asks whose a token is", authorizationv1.ResourceAttributes{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"}, true},
		{identity.SimulatedNodes, "asks whose a token is", authorizationv1.ResourceAttributes{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"}, true},
		{identity.Node("one"), "renews another's lease", authorizationv1.ResourceAttributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "kube-node-lease", Name: "other"}, false},
		{identity.Node("one"), "reads any Secret", authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: "default", Name: "password"}, false},
		{identity.Node("one"), "reads nodes by their second name", authorizationv1.ResourceAttributes{Verb: "get", Group: "core.orrery.dev", Resource: "nodes", Name: "other"}, false},
		{identity.Node("one"), "writes pods", authorizationv1.ResourceAttributes{Verb: "patch", Resource: "pods", Subresource: "status"}, true},
		{identity.Node("one"), "writes pods by their second name", authorizationv1.ResourceAttributes{Verb: "patch", Group: "core.orrery.dev", Resource: "pods", Subresource: "status"}, true},
	} {
		t.Run(test.who.User+" "+test.verb, func(t *testing.T) {
			review, err := clients(t, server, test.who).AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(),
				&authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &test.resource}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if review.Status.Allowed != test.want {
				t.Errorf("allowed is %v, want %v: %s", review.Status.Allowed, test.want, review.Status.Reason)
			}
		})
	}
}

func TestEachControlLoopOfTheProcessIsSomebodyOfItsOwn(t *testing.T) {
	server := shared(t)
	config, err := server.ControllerConfig("deployment-controller")
	if err != nil {
		t.Fatal(err)
	}
	review := &authenticationv1.SelfSubjectReview{}
	review, err = kubernetes.NewForConfigOrDie(config).AuthenticationV1().SelfSubjectReviews().Create(t.Context(), review, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Controller("deployment-controller")
	if user := review.Status.UserInfo; user.Username != want.User || !slices.Equal(user.Groups, append([]string{"system:authenticated"}, want.Groups...)) {
		t.Errorf("it is %s in %v, want %s in %v", user.Username, user.Groups, want.User, want.Groups)
	}

	t.Run("on that server alone", func(t *testing.T) {
		other := start(t, apiserver.Options{Ephemeral: true})
		stolen := rest.CopyConfig(config)
		stolen.Host, stolen.CAData = other.URL(), other.CA()
		if _, err := kubernetes.NewForConfigOrDie(stolen).CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsUnauthorized(err) {
			t.Errorf("got %v, want that nobody is known by the token", err)
		}
	})
	t.Run("unless it has no role", func(t *testing.T) {
		if _, err := server.ControllerConfig("comet-controller"); err == nil || !strings.Contains(err.Error(), "comet-controller") {
			t.Errorf("got %v, want an error that names the loop", err)
		}
	})
}

func TestANodeMayWriteItselfAndNoOther(t *testing.T) {
	server := shared(t)
	admin, one := clients(t, server, identity.Admin).CoreV1(), clients(t, server, identity.Node("one")).CoreV1()
	node := func(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }
	if _, err := one.Nodes().Create(t.Context(), node("one"), metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := admin.Nodes().Create(t.Context(), node("other"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ns := namespace(t, clients(t, server, identity.Admin))
	if _, err := admin.ServiceAccounts(ns).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	uids := map[string]types.UID{}
	for _, name := range []string{"other", "one"} { // in this order: who knows of the second pod knows of the first
		if _, err := admin.Secrets(ns).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		pod, err := admin.Pods(ns).Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: corev1.PodSpec{NodeName: name, Containers: []corev1.Container{{
				Name: "web", Image: "web:1",
				EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}},
			}}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		uids[name] = pod.UID
	}
	await.Until(t, "the Node authorizer to know of the pod", func() (string, bool) {
		_, err := one.Secrets(ns).Get(t.Context(), "one", metav1.GetOptions{})
		return fmt.Sprint(err), err == nil
	})
	label := []byte(`{"metadata":{"labels":{"touched":"yes"}}}`)
	for what, do := range map[string]func(name string) error{
		"labelling a node": func(name string) error {
			_, err := one.Nodes().Patch(t.Context(), name, types.MergePatchType, label, metav1.PatchOptions{})
			return err
		},
		"reporting the status of a node": func(name string) error {
			_, err := one.Nodes().Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":{"capacity":{"cpu":"1"}}}`), metav1.PatchOptions{}, "status")
			return err
		},
		"reporting the status of a pod": func(name string) error {
			_, err := one.Pods(ns).Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":{"phase":"Running"}}`), metav1.PatchOptions{}, "status")
			return err
		},
		"reading the Secret of a pod": func(name string) error {
			_, err := one.Secrets(ns).Get(t.Context(), name, metav1.GetOptions{})
			return err
		},
		"requesting the token of a pod": func(name string) error {
			ref := &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: name, UID: uids[name]}
			request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: ref}}
			_, err := one.ServiceAccounts(ns).CreateToken(t.Context(), "default", request, metav1.CreateOptions{})
			return err
		},
		"watching the pods of a node": func(name string) error {
			_, err := one.Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			if err := do("one"); err != nil {
				t.Errorf("its own: %v", err)
			}
			if err := do("other"); !apierrors.IsForbidden(err) {
				t.Errorf("another's: got %v, want a refusal", err)
			}
		})
	}
	if err := one.Pods(ns).Delete(t.Context(), "other", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("deleting another's pod: got %v, want a refusal", err)
	}
	if err := one.Pods(ns).Delete(t.Context(), "one", *metav1.NewDeleteOptions(0)); err != nil {
		t.Errorf("deleting its own pod: %v", err)
	}
	if _, err := one.Nodes().Create(t.Context(), node("third"), metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("creating another node: got %v, want a refusal", err)
	}
}

func TestWhatAComponentDoesNotNeedAnyMoreIsTakenAway(t *testing.T) {
	t.Parallel()
	options := apiserver.Options{DataDir: t.TempDir()}
	server := start(t, options)
	rbac := clients(t, server, identity.Admin).RbacV1()
	old := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "orrery:scheduler:edit", Labels: map[string]string{identity.ManagedBy: identity.Manager}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: identity.Scheduler.User}},
	}
	mine := old.DeepCopy()
	mine.Name, mine.Labels = "mine", nil
	for _, binding := range []*rbacv1.ClusterRoleBinding{old, mine} {
		if _, err := rbac.ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	wider := []byte(`[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}}]`)
	if _, err := rbac.ClusterRoles().Patch(t.Context(), identity.Scheduler.User, types.JSONPatchType, wider, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}

	rbac = clients(t, start(t, options), identity.Admin).RbacV1()
	if _, err := rbac.ClusterRoleBindings().Get(t.Context(), old.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the old binding: got %v, want that it is gone", err)
	}
	if _, err := rbac.ClusterRoleBindings().Get(t.Context(), mine.Name, metav1.GetOptions{}); err != nil {
		t.Errorf("a person's binding: %v", err)
	}
	role, err := rbac.ClusterRoles().Get(t.Context(), identity.Scheduler.User, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range role.Rules {
		if slices.Contains(rule.Resources, "secrets") {
			t.Errorf("the scheduler's role still has %v", rule)
		}
	}
}

func TestWhereNodesDoNotJoinAnyMoreTheRightsToAreTakenAway(t *testing.T) {
	t.Parallel()
	policy, err := identity.JoiningPolicy()
	if err != nil {
		t.Fatal(err)
	}
	options := apiserver.Options{DataDir: t.TempDir()}
	for _, join := range []bool{true, false} {
		options.NodesJoin = join
		server := start(t, options)
		rbac := clients(t, server, identity.Admin).RbacV1()
		is := func(what string, err error) {
			t.Helper()
			if join && err != nil || !join && !apierrors.IsNotFound(err) {
				t.Errorf("where nodes join: %t, %s: %v", join, what, err)
			}
		}
		for _, binding := range policy.ClusterRoleBindings {
			_, err := rbac.ClusterRoleBindings().Get(t.Context(), binding.Name, metav1.GetOptions{})
			is("ClusterRoleBinding "+binding.Name, err)
		}
		for _, binding := range policy.RoleBindings {
			_, err := rbac.RoleBindings(binding.Namespace).Get(t.Context(), binding.Name, metav1.GetOptions{})
			is("RoleBinding "+binding.Name, err)
		}
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheKubeconfigOfAPersonWorks(t *testing.T) {
	server := shared(t)
	data, err := server.Kubeconfig(identity.Admin, "model")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := clientcmd.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.CurrentContext != "model" || parsed.Clusters["model"].Server != server.URL() {
		t.Errorf("context %q, server %q; want model, %q", parsed.CurrentContext, parsed.Clusters["model"].Server, server.URL())
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != server.URL() || len(config.CertData) == 0 {
		t.Errorf("it has host %q and a certificate of %d bytes", config.Host, len(config.CertData))
	}
}

package apiserver_test

import (
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/orrery-dev/orrery/apiserver/identity"
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
		{identity.Controllers, "creates pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods"}, true},
		{identity.Controllers, "scales ReplicaSets", authorizationv1.ResourceAttributes{Verb: "update", Group: "apps", Resource: "replicasets"}, true},
		{identity.Controllers, "runs commands in pods", authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods", Subresource: "exec"}, false},
		{identity.Controllers, "gives itself rights", authorizationv1.ResourceAttributes{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"}, false},
		{identity.Proxy, "reads EndpointSlices", authorizationv1.ResourceAttributes{Verb: "watch", Group: "discovery.k8s.io", Resource: "endpointslices"}, true},
		{identity.Proxy, "reads pods", authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods"}, false},
		{identity.APIServer, "calls node agents", authorizationv1.ResourceAttributes{Verb: "create", Resource: "nodes", Subresource: "proxy"}, true},
		{identity.APIServer, "reads Secrets", authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets"}, false},
		{identity.Node("one"), "registers", authorizationv1.ResourceAttributes{Verb: "create", Resource: "nodes"}, true},
		{identity.Node("one"), "reads all Secrets", authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"}, false},
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

func TestANodeMayWriteItselfAndNoOther(t *testing.T) {
	server := shared(t)
	nodes := clients(t, server, identity.Node("one")).CoreV1().Nodes()
	node := func(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }
	if _, err := nodes.Create(t.Context(), node("one"), metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := nodes.Create(t.Context(), node("other"), metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("creating another node: got %v, want a refusal", err)
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

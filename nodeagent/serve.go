package nodeagent

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/nodeagent/server"
)

// serve answers the kubelet's API for all nodes of the process.
func (n *nodes) serve(ctx context.Context) error {
	return server.New(server.Options{
		Listener: n.serving.Listener, Certificate: n.serving.Certificate, ClientCAs: n.serving.ClientCAs,
		Reviewer: reviewer{n.kube}, Pods: n.Pods, Node: n.node, Clock: n.clock, Log: n.log,
		Metrics: promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}),
	}).Run(ctx)
}

func (n *nodes) node(name string) (server.Node, bool) {
	one := n.byName[name]
	if one == nil {
		return server.Node{}, false
	}
	return server.Node{Name: name, Runtime: one.runtime}, true
}

// reviewer asks the API server.
type reviewer struct{ kube kubernetes.Interface }

func (r reviewer) Review(ctx context.Context, spec authorizationv1.SubjectAccessReviewSpec) (bool, error) {
	answer, err := r.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking what %s may do: %w", spec.User, err)
	}
	return answer.Status.Allowed, nil
}

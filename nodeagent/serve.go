package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/orrery-dev/orrery/nodeagent/server"
)

// serve answers the kubelet's API for all nodes of the process.
func (n *nodes) serve(ctx context.Context) error {
	only := ""
	if len(n.order) == 1 {
		only = n.order[0].heartbeat.Name
	}
	return server.New(server.Options{
		Listener: n.serving.Listener, Certificate: n.serving.Certificate, Current: n.serving.Current, ClientCAs: n.serving.ClientCAs,
		Reviewer: reviewer{n.kube}, Configuration: n.configuration, Flags: n.flags, CheckpointDir: n.checkpoints,
		NodeName: only, Pods: n.Pods, Node: n.node, Clock: n.clock, Log: n.log,
		Metrics: promhttp.HandlerFor(n.metrics, promhttp.HandlerOpts{}),
	}).Run(ctx)
}

// serveHealthz answers /healthz to anybody, at an address of its own.
func (n *nodes) serveHealthz(ctx context.Context) error {
	address := net.JoinHostPort(n.configuration.HealthzBindAddress, strconv.Itoa(int(*n.configuration.HealthzPort)))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for /healthz: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", server.Healthz)
	healthz := &http.Server{Handler: mux, ReadHeaderTimeout: reviewTimeout}
	stop := context.AfterFunc(ctx, func() { _ = healthz.Close() }) // nobody waits for an answer any more
	defer stop()
	if err := healthz.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving /healthz: %w", err)
	}
	return nil
}

func (n *nodes) node(name string) (server.Node, bool) {
	one := n.byName[name]
	if one == nil {
		return server.Node{}, false
	}
	node := server.Node{Name: name, Runtime: one.runtime, Stats: one.stats, Machine: one.machine(), Probes: one.loop.ProbeResults}
	if one.groups != nil {
		node.Cadvisor = one.groups
	}
	return node, true
}

// reviewer asks the API server, as the identity of the node.
type reviewer struct{ kube kubernetes.Interface }

var _ server.Reviewer = reviewer{}

// reviewTimeout bounds one question; the kubelet's figure.
const reviewTimeout = 10 * time.Second

// ReviewToken implements server.TokenReviewer.
func (r reviewer) ReviewToken(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	answer, err := r.kube.AuthenticationV1().TokenReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.TokenReviewStatus{}, fmt.Errorf("asking whose a token is: %w", err)
	}
	return answer.Status, nil
}

// ReviewAccess implements server.AccessReviewer.
func (r reviewer) ReviewAccess(ctx context.Context, spec authorizationv1.SubjectAccessReviewSpec) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	answer, err := r.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking what %s may do: %w", spec.User, err)
	}
	return answer.Status.Allowed, nil
}

package ingress

import (
	"context"
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
)

// node is what steps act with: the server of this machine, and the API.
type node struct {
	server *server
	client client.Client
}

// serve puts a table to use.
type serve struct{ table *Table }

func (*serve) Verb() string { return "serve" }

func (s *serve) String() string {
	text := s.table.String()
	if text == "" {
		return "serve nothing"
	}
	return "serve\n  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ")
}

func (*serve) Why() string { return "" }

func (s *serve) Do(_ context.Context, n *node) error {
	n.server.table.Store(s.table)
	return nil
}

// report writes into the status of an Ingress where it is served.
type report struct {
	ingress *networkingv1.Ingress
	status  networkingv1.IngressLoadBalancerStatus
}

func (*report) Verb() string { return "status" }

func (s *report) String() string {
	return fmt.Sprintf("status Ingress %s/%s: %s", s.ingress.Namespace, s.ingress.Name, s.status.Ingress[0].IP)
}

func (*report) Why() string { return "it is served there" }

// Do does nothing to an Ingress that has changed or is gone: that wakes the loop.
func (s *report) Do(ctx context.Context, n *node) error {
	observed := (*onetworkingv1.Ingress)(s.ingress)
	wanted := observed.DeepCopy()
	wanted.Status.LoadBalancer = s.status
	err := n.client.Status().Patch(ctx, wanted, client.MergeFromWithOptions(observed, client.MergeFromWithOptimisticLock{}))
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status of Ingress %s/%s: %w", s.ingress.Namespace, s.ingress.Name, err)
	}
	return nil
}

// makeClass makes our IngressClass.
type makeClass struct{ isDefault bool }

func (*makeClass) Verb() string { return "create" }

func (*makeClass) String() string { return "create IngressClass " + ClassName }

func (s *makeClass) Why() string {
	if s.isDefault {
		return "there is none of this name, nor one that is the default"
	}
	return "there is none of this name"
}

func (s *makeClass) Do(ctx context.Context, n *node) error {
	class := &onetworkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: ClassName},
		Spec:       networkingv1.IngressClassSpec{Controller: ControllerName},
	}
	if s.isDefault {
		class.Annotations = map[string]string{networkingv1.AnnotationIsDefaultIngressClass: "true"}
	}
	if err := n.client.Create(ctx, class); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating IngressClass %s: %w", ClassName, err)
	}
	return nil
}

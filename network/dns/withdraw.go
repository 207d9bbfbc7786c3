package dns

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
)

// Withdraw removes the endpoint of a node where no DNS is to run any more: what asks at the Service would go there otherwise. The
// Service and the ConfigMap stay, for whoever answers instead.
func Withdraw(ctx context.Context, c client.Client, node string) error {
	slice := &odiscoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: sliceName(node)}}
	if err := client.IgnoreNotFound(c.Delete(ctx, slice)); err != nil {
		return fmt.Errorf("removing the endpoint of node %s from the Service kube-dns: %w", node, err)
	}
	return nil
}

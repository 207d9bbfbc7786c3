package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/network/segment"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// removeSurplusNodes removes the nodes that the instance had and is not to have any more: first the Node, so that what ran there is made
// anew elsewhere, and then all that it has on this machine.
func (p *controlPlane) removeSurplusNodes(ctx context.Context, server *apiserver.Server) error {
	if p.network == nil {
		return nil
	}
	nodes, err := furtherNodes(p.inst)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n <= p.options.realNodes {
			continue
		}
		if err := p.deleteNode(ctx, server, n); err != nil {
			return err
		}
		if err := removeFurther(ctx, p.inst, n); err != nil {
			return fmt.Errorf("removing %s: %w", furtherName(n), err)
		}
		logger().Info("A node was removed, because fewer are wanted", "node", furtherName(n))
	}
	return nil
}

func (p *controlPlane) deleteNode(ctx context.Context, server *apiserver.Server, n int) error {
	name, err := nodeNameOf(furtherNode(p.inst, n), p.nodeName(), n)
	if err != nil {
		return err
	}
	config, err := server.Config(identity.Admin)
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := api.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting Node %s: %w", name, err)
	}
	return nil
}

// stopFurthers stops what a killed instance has left running on its further nodes, and says how many processes that were.
func stopFurthers(ctx context.Context, inst *instance.Instance) (stopped int, err error) {
	if !mayRunContainers() {
		return 0, nil
	}
	nodes, err := furtherNodes(inst)
	if err != nil {
		return 0, err
	}
	for _, n := range nodes {
		node := furtherNode(inst, n)
		if _, err := node.Stop(ctx, furtherPatience); err != nil {
			return stopped, err
		}
		left, err := stopLeft(ctx, node)
		if err != nil {
			return stopped, err
		}
		stopped += left
	}
	return stopped, nil
}

// removeFurther removes all that a further node has on this machine.
func removeFurther(ctx context.Context, inst *instance.Instance, n int) error {
	node := furtherNode(inst, n)
	if _, err := node.Stop(ctx, furtherPatience); err != nil {
		return err
	}
	return errors.Join(removeOne(ctx, node), segment.Leave(inst.ID(), n))
}

// removeFurthers removes all further nodes of an instance, and what joins them.
func removeFurthers(ctx context.Context, inst *instance.Instance) error {
	nodes, err := furtherNodes(inst)
	errs := []error{err}
	for _, n := range nodes {
		if err := removeFurther(ctx, inst, n); err != nil {
			errs = append(errs, fmt.Errorf("removing %s: %w", furtherName(n), err))
		}
	}
	return errors.Join(append(errs, segment.Remove(ctx, inst.ID()))...)
}

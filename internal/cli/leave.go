package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/drain"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// leaving is how a person wants a node to leave.
type leaving struct {
	patience time.Duration
	force    bool
}

func newNodeLeave(t *target) *cobra.Command {
	var o leaving
	c := &cobra.Command{
		Use:   "leave",
		Short: "Have this machine be no node any more",
		Long: `Have this machine be no node of the control plane that it joined: its pods are evicted,
as disruption budgets allow it, its Node is deleted, and all that the instance has on this
machine is removed: containers, images, network interfaces, packet rules and routes.

With --force it is removed from this machine alone, whatever becomes of its pods and
whether or not the API server answers: delete the Node elsewhere then.`,
		Example: `  orrery node leave
  orrery node leave --timeout 20m
  orrery node leave --force`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			return o.run(c, inst)
		},
	}
	c.Flags().DurationVar(&o.patience, "timeout", 5*time.Minute, "how long to wait for the node's pods to be gone, before giving up and leaving all as it is")
	c.Flags().BoolVar(&o.force, "force", false, "remove it from this machine without asking the API server")
	return c
}

func (o *leaving) run(c *cobra.Command, inst *instance.Instance) error {
	r, err := registration.Read(registrationDir(inst))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("instance %s in %s has not joined any control plane: there is nothing to leave", inst.Name, inst.Dir)
	case err != nil && !o.force:
		return err
	case err == nil && !r.Rotates:
		return errors.New("this node is one of 'orrery up --real-nodes', on this machine: start the control plane with fewer of them")
	}
	if !o.force {
		if err := o.fromCluster(c, inst, r); err != nil {
			return err
		}
	}
	if _, err := stop(c.Context(), inst, time.Minute); err != nil {
		return err
	}
	if err := removeInstance(c.Context(), inst); err != nil {
		return err
	}
	c.Printf("this machine is no node any more, and instance %s is gone\n", inst.Name)
	return nil
}

// fromCluster has the node's pods go elsewhere, and then the Node. The agent has to run for that: it ends the pods.
func (o *leaving) fromCluster(c *cobra.Command, inst *instance.Instance, r registration.Registration) error {
	if !inst.Running() {
		return fmt.Errorf("node %s is not running, and so nobody would end its pods: start it with '%s', or remove it from this machine alone with '%s'",
			r.NodeName, inst.Command("node"), inst.Command("node leave --force"))
	}
	balancer, r, err := balancerOf(c.Context(), inst, r)
	if err != nil {
		return err
	}
	balancing, end := context.WithCancel(c.Context())
	ended := make(chan error, 1)
	go func() { ended <- balancer.Run(balancing) }()
	defer func() { end(); <-ended }() // what it says by then is of no use to anybody
	config, err := r.Node()
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	ctx, cancel := context.WithTimeout(c.Context(), o.patience)
	defer cancel()
	if err := drain.Node(ctx, api, r.NodeName, func(said string) { c.Println(said) }); err != nil {
		return fmt.Errorf("%w; nothing was removed, and node %s takes no new pods until 'orrery kubectl uncordon %s'", err, r.NodeName, r.NodeName)
	}
	// One that runs on would make its Node again.
	if _, err := stop(c.Context(), inst, time.Minute); err != nil {
		return err
	}
	if err := forgetDNS(c.Context(), api, r.NodeName); err != nil {
		return err
	}
	err = api.CoreV1().Nodes().Delete(c.Context(), r.NodeName, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting Node %s: %w", r.NodeName, err)
	}
	return nil
}

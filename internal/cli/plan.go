package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// planOptions are what a person can ask of a plan.
type planOptions struct {
	access    access
	loops     loopFlags
	namespace string
	node      bool
}

func newPlan(t *target) *cobra.Command {
	var o planOptions
	c := &cobra.Command{
		Use:   "plan KIND/NAME | plan LOOP | plan --node",
		Short: "Show what each loop would do next with an object, and do nothing",
		Long: `Show what each controller of a kind would do next with an object, step by step and
with the reason for each, as it is decided from what the cluster holds now.
Nothing is carried out. A settled object has nothing to do. A controller that decides
for many objects at once shows what it would do with all of them. Of a pod of the
running instance the node agent shows what it would do as well.

The name of a loop alone, as proxy, shows what that loop of the running instance would
do next with everything that it knows of; --node does so for the pods of its nodes.

The controllers are those of the running instance, with its settings. On a cluster
that 'orrery manager' works on they are those of the manager: give its flags.`,
		Example: `  orrery plan deployment/web
  orrery plan pod/web-5d8f-x7k2p
  orrery plan proxy
  orrery plan --node
  orrery plan deploy/web -n shop
  orrery plan namespaces/old --kubeconfig ~/.kube/config --naming orrery --cluster-loops`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 != o.node {
				return nil
			}
			return errors.New("want one of KIND/NAME, as in deployment/web, the name of a loop, as in proxy, or --node")
		},
		RunE: func(c *cobra.Command, args []string) error {
			if o.node {
				return t.printPlansOf(c, nodeAgentLoop)
			}
			resource, name, ok := strings.Cut(args[0], "/")
			switch {
			case !ok:
				return t.printPlansOf(c, resource)
			case resource == "" || name == "":
				return fmt.Errorf("%q: want KIND/NAME, as in deployment/web", args[0])
			default:
				return o.printPlans(c, t, resource, client.ObjectKey{Namespace: o.namespace, Name: name})
			}
		},
	}
	flags := c.Flags()
	flags.StringVarP(&o.namespace, "namespace", "n", "default", "`namespace` of the object")
	flags.BoolVar(&o.node, "node", false, "show what the node agents of the running instance would do next with each of their pods")
	o.access.addFlags(flags)
	o.loops.addFlags(flags)
	return c
}

// printPlans prints what the controllers would do with an object, and for a pod of the running instance what its node agent would.
func (o *planOptions) printPlans(c *cobra.Command, t *target, resource string, key client.ObjectKey) error {
	cluster, err := o.access.cluster(t)
	if err != nil {
		return err
	}
	here, err := t.runningSettings()
	if err != nil {
		return err
	}
	loops, err := o.loops.loops()
	if err != nil {
		return err
	}
	ofInstance := isOf(here, cluster)
	if ofInstance {
		running, err := t.runningLoops(c.Context(), here)
		if err != nil {
			return err
		}
		loops = inInstance(loops, running, c.Flags().Changed)
	}
	loops.Cluster = loops.Cluster || cluster.Own
	next := func(string, string) (string, bool) { return "", false }
	if ofInstance {
		next = t.remembered(c.Context())
	}
	kind, err := printPlans(c, cluster, loops, resource, key, next)
	if err != nil || kind != "Pod" || !ofInstance {
		return err
	}
	return t.printPlanOf(c, nodeAgentLoop, key.String())
}

// runningSettings are those of the instance if it runs, and otherwise the zero value.
func (t *target) runningSettings() (instance.Settings, error) {
	inst, err := t.instance()
	if err != nil || !inst.Running() {
		return instance.Settings{}, err
	}
	return inst.Settings()
}

// runningLoops are the control loops of the running instance, as it was started.
func (t *target) runningLoops(ctx context.Context, here instance.Settings) (wiring.Loops, error) {
	inst, err := t.instance()
	if err != nil {
		return wiring.Loops{}, err
	}
	status, err := inst.Status(ctx)
	if err != nil {
		return wiring.Loops{}, err
	}
	selection, err := selectionOf(status)
	loops := loopsOf(here, selection)
	balancing := loadBalancerOptions{ranges: status.Flags[poolFlag]}
	loops.Balancer = balancing.balancer(here.Addresses)
	return loops, err
}

// runningSelection is which loops the running instance was started with.
func (t *target) runningSelection(ctx context.Context) (wiring.Selection, error) {
	inst, err := t.instance()
	if err != nil {
		return wiring.Selection{}, err
	}
	status, err := inst.Status(ctx)
	if err != nil {
		return wiring.Selection{}, err
	}
	return selectionOf(status)
}

// selectionOf is which loops an instance was started with.
func selectionOf(status instance.Status) (selection wiring.Selection, err error) {
	if words := status.Flags[selectionFlag]; words != "" {
		err = selection.Set(words)
	}
	return selection, err
}

// inInstance are the loops of an instance, but for what flags that were given say.
func inInstance(asked, of wiring.Loops, given func(flag string) bool) wiring.Loops {
	if given(clusterCIDRFlag) {
		of.ClusterCIDRs, of.ServiceCIDRs = asked.ClusterCIDRs, asked.ServiceCIDRs
	}
	if given(selectionFlag) {
		of.Selection = asked.Selection
	}
	of.RootCA = asked.RootCA
	return of
}

// isOf reports that a cluster is that of the instance with the settings here.
func isOf(here instance.Settings, c wiring.Cluster) bool {
	return c.Own && listensAt(here.Port, c.Config.Host)
}

// listensAt reports that a URL is of a port of this machine.
func listensAt(port int, host string) bool {
	address, err := url.Parse(host)
	if err != nil || port == 0 || address.Port() != strconv.Itoa(port) {
		return false
	}
	ip := net.ParseIP(address.Hostname())
	return ip != nil && ip.IsLoopback()
}

// autoscalerLoop decides by what it recommended before, which is in its memory only.
const autoscalerLoop = "horizontal-pod-autoscaler-controller"

// remembered tells the next plan of a loop of the running instance that remembers something; of others, and of a key that it does not
// know, it tells none.
func (t *target) remembered(ctx context.Context) func(loop, key string) (string, bool) {
	return func(loop, key string) (string, bool) {
		inst, err := t.instance()
		if err != nil || loop != autoscalerLoop {
			return "", false
		}
		plans, err := inst.Plans(ctx, loop, key, true)
		return plans.Next, err == nil
	}
}

// printPlans prints what controllers would do with an object, and returns its kind. Of a loop of which next tells what it would do, that
// is printed.
func printPlans(c *cobra.Command, cluster wiring.Cluster, loops wiring.Loops, resource string, key client.ObjectKey, next func(loop, key string) (string, bool)) (kind string, err error) {
	preview, err := wiring.NewPreview(cluster, loops)
	if err != nil {
		return "", err
	}
	concern, err := preview.Concerned(resource)
	if err != nil {
		return "", err
	}
	plans, err := preview.Plans(c.Context(), resource, key)
	if err != nil {
		return "", err
	}
	for _, p := range plans {
		title := p.Loop
		if p.Key.Name != key.Name { // it decides for a group of objects
			title += " for " + strings.TrimPrefix(p.Key.String(), "/")
		}
		said := p.Plan.String()
		if plan, ok := next(p.Loop, p.Key.String()); ok {
			said = plan
		}
		printPlan(c, title, said)
	}
	return concern.Kind, nil
}

func printPlan(c *cobra.Command, title, plan string) {
	c.Printf("%s:\n  %s\n", title, strings.ReplaceAll(plan, "\n", "\n  "))
}

// printPlanOf prints what a loop of the running instance would do for a key. A loop that is not there, as the node agent's
// where an instance has no nodes, prints nothing.
func (t *target) printPlanOf(c *cobra.Command, loop, key string) error {
	inst, err := t.instance()
	if err != nil {
		return err
	}
	loops, err := inst.Loops(c.Context())
	if err != nil || !slices.ContainsFunc(loops, func(l instance.Loop) bool { return l.Name == loop }) {
		return err
	}
	plans, err := inst.Plans(c.Context(), loop, key, true)
	var silent *instance.NotToldError
	switch {
	case errors.As(err, &silent):
		printPlan(c, loop, silent.Sentence)
	case err != nil:
		return err
	default:
		printPlan(c, loop, plans.Next)
	}
	return nil
}

// printPlansOf prints what a loop of the running instance would do for each key that it knows of.
func (t *target) printPlansOf(c *cobra.Command, loop string) error {
	inst, err := t.instance()
	if err != nil {
		return err
	}
	if !inst.Running() {
		return fmt.Errorf("%q: only a running instance can be asked for the plans of a loop: start one with '%s', or ask for KIND/NAME, as in deployment/web", loop, inst.Command("up"))
	}
	loops, err := inst.Loops(c.Context())
	if err != nil {
		return err
	}
	var names []string
	for _, l := range loops {
		names = append(names, l.Name)
		if l.Name != loop {
			continue
		}
		if len(l.Keys) == 0 {
			c.Printf("%s:\n  nothing to do: it knows of nothing\n", loop)
		}
		for _, key := range l.Keys {
			plans, err := inst.Plans(c.Context(), loop, key, true)
			var silent *instance.NotToldError
			if err != nil && !errors.As(err, &silent) {
				return err
			}
			if silent == nil { // what went away meanwhile is passed over
				printPlan(c, loop+" for "+strings.TrimPrefix(key, "/"), plans.Next)
			}
		}
		return nil
	}
	return fmt.Errorf("the instance has no loop %q that can be asked: there are %s; an object is asked for as KIND/NAME", loop, strings.Join(names, ", "))
}

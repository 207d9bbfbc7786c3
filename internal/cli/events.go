package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/events"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/cli/tree"
	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
)

// eventsPatience is how long a cluster has to answer a question that is asked before the stream begins, or for an object of it.
const eventsPatience = 10 * time.Second

// eventsOptions are what a person can choose about a stream.
type eventsOptions struct {
	access    access
	namespace string
	all       bool
	tree      string
	since     time.Duration
	follow    bool
	format    printer.Format
}

func newEvents(t *target) *cobra.Command {
	var o eventsOptions
	c := &cobra.Command{
		Use:   "events [KIND/NAME]",
		Short: "Tell what the cluster does, and why: plans of loops and Events of the API in one stream",
		Long: `Tell what the cluster does, in one stream: the steps of the plans that loops carried out,
each with its reason; where the scheduler sent pods, and on how many nodes they fit; and the
Events of the API, by which everybody tells what became of it. A line each: when, who, about
what, and what.

Of the past that is what the running instance keeps, its last 4096 plans, and Events of the
last hour. Of a cluster that somebody else runs there are the Events alone.

KIND/NAME tells what is about an object or names it; --tree does so for an object and all
that it owns, also for what it comes to own while the stream goes on.`,
		Example: `  orrery events
  orrery events -f -n shop
  orrery events deployment/web --since 5m
  orrery events --tree deployment/web --follow
  orrery events -o json | jq -r 'select(.warning) | .says'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			filter, err := o.filter(c.Context(), t, args)
			if err != nil {
				return err
			}
			sources, err := o.sources(t, filter.Namespace)
			if err != nil {
				return err
			}
			return events.Stream(c.Context(), sources, filter, o.follow, events.NewPrinter(c.OutOrStdout(), o.format).Print)
		},
	}
	o.access.addReach(c.Flags())
	flags := c.Flags()
	flags.StringVarP(&o.namespace, "namespace", "n", "", "`namespace` to tell of; by default all, and default for an object that is named")
	flags.BoolVarP(&o.all, "all-namespaces", "A", false, "tell of all namespaces, as is the default")
	flags.StringVar(&o.tree, "tree", "", "`KIND/NAME` of an object of which to tell with all that it owns")
	flags.DurationVar(&o.since, "since", time.Hour, "how far back to begin; 0 for as far as there is anything")
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on telling what happens, until interrupted")
	o.format.AddFlag(c)
	c.MarkFlagsMutuallyExclusive("namespace", "all-namespaces")
	return c
}

// filter is what of the stream the flags and arguments ask for.
func (o *eventsOptions) filter(ctx context.Context, t *target, args []string) (events.Filter, error) {
	f := events.Filter{Namespace: o.namespace}
	if o.since > 0 {
		f.Since = time.Now().Add(-o.since)
	}
	if len(args) == 0 && o.tree == "" {
		return f, nil
	}
	ground, err := o.access.ground(t, eventsPatience)
	if err != nil {
		return f, err
	}
	namespace := o.namespace
	if namespace == "" {
		namespace = "default"
	}
	f.Namespace = "" // what an object does may be told of objects elsewhere
	if len(args) > 0 {
		kind, name, err := ground.Named(args[0])
		if err != nil {
			return f, err
		}
		f.Object = events.Object{Kind: kind.GroupVersionKind.Kind, Name: name}
		if kind.Namespaced {
			f.Object.Namespace = namespace
		}
	}
	if o.tree != "" {
		kind, name, err := ground.Named(o.tree)
		if err != nil {
			return f, err
		}
		asking, cancel := context.WithTimeout(ctx, eventsPatience)
		defer cancel()
		family, err := ground.Family(asking, kind, namespace, name)
		if err != nil {
			return f, err
		}
		f.Belongs = func(object events.Object) bool { return belongs(ctx, family, object) }
	}
	return f, nil
}

// belongs reports that an object is of a family. It is asked for once an event, so that it may not take long.
func belongs(ctx context.Context, family *tree.Family, object events.Object) bool {
	asking, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	return object.Name != "" && family.Has(asking, object.Kind, object.Namespace, object.Name)
}

// sources are the cluster's Events, and the journal of the instance if the cluster is its own.
func (o *eventsOptions) sources(t *target, namespace string) ([]events.Source, error) {
	config, err := o.access.rest(t)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	sources := []events.Source{events.OfAPI(client, namespace)}
	inst, err := t.instance()
	if err != nil {
		return nil, err
	}
	settings, err := t.runningSettings()
	if err != nil {
		return nil, err
	}
	if listensAt(settings.Port, config.Host) {
		sources = append(sources, events.OfPlans(inst))
	}
	return sources, nil
}

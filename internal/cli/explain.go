package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/cli/report"
	"github.com/orrery-dev/orrery/scheduler/config"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/simulate"
	"github.com/orrery-dev/orrery/scheduler/simulate/replica"
	"github.com/spf13/cobra"
)

// foresight is what explain and simulate have in common: a cluster that is only read, and a scheduler's configuration.
type foresight struct {
	access access
	file   string
	output printer.Format
}

func (f *foresight) addFlags(c *cobra.Command) {
	f.access.addFlags(c.Flags())
	c.Flags().StringVar(&f.file, "config", "", "`file` with the KubeSchedulerConfiguration of the scheduler; all defaults if empty")
	f.output.AddProseFlag(c)
}

// world is a copy of the cluster, or an empty one.
func (f *foresight) world(t *target, empty bool) (*simulate.Simulation, error) {
	options := simulate.Options{}
	var err error
	if options.Configuration, err = f.configuration(); err != nil {
		return nil, err
	}
	if !empty {
		cluster, err := f.access.cluster(t)
		if err != nil {
			return nil, err
		}
		if options.Origin, err = replica.Of(cluster.Config, cluster.Naming); err != nil {
			return nil, err
		}
	}
	return simulate.New(options), nil
}

func (f *foresight) configuration() (*configv1.KubeSchedulerConfiguration, error) {
	if f.file == "" {
		return nil, nil
	}
	return config.ReadFile(f.file)
}

func newExplain(t *target) *cobra.Command {
	var f foresight
	var (
		namespace string
		past      bool
	)
	c := &cobra.Command{
		Use:   "explain pod/NAME | explain service/NAME | explain pvc/NAME | explain pv/NAME | explain KIND/NAME --history",
		Short: "Say why a pod is where it is, or nowhere, what a Service leads to, how a claim stands, and what loops did about an object",
		Long: `Of a pod, say of every node which plugins of the scheduler refuse the pod there and by how
much, which nodes nearly fit and what would make them, and for a pod that fits how the
best nodes are scored. All plugins are asked about all nodes, with the scheduler's
configuration; nothing is written, and no scheduler has to run. A pod that is on a
node is looked at as if it were not.

If the scheduler of a running instance remembers its own decision, that is shown too.

Of a Service, say which endpoints its ports lead to, and why not to others. What becomes of
one connection is told by 'explain traffic'.

Of a claim (pvc), say why it is not bound and which volumes come close; of a claim and of a
volume (pv), which pods and finalizers hold it, and where its data lies.

With --history it tells instead, of an object of any kind, the last plans that the loops
of the running instance carried out about it, each with its reasons and its error:
controllers, and for a pod the node agent.`,
		Example: `  orrery explain pod/web-5d8f -n shop
  orrery explain pod/web-5d8f -o json | jq '.explanation.nearest'
  orrery explain service/web
  orrery explain traffic pod/client web:80
  orrery explain pvc/data-db-0
  orrery explain deployment/web --history
  orrery explain pod/db-0 --kubeconfig ~/.kube/config --config scheduler.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if past {
				return f.explainHistory(c.Context(), c.OutOrStdout(), t, args[0], namespace)
			}
			if name, ok := serviceArgument(args[0]); ok {
				return explainService(c, t, f.access, namespace, name, f.output)
			}
			if kind, name, ok := storageKind(args[0]); ok {
				return f.explainStorage(c.Context(), c.OutOrStdout(), t, kind, namespace, name)
			}
			name, err := podName(args[0])
			if err != nil {
				return err
			}
			world, err := f.world(t, false)
			if err != nil {
				return err
			}
			return f.explain(c.Context(), c.OutOrStdout(), world, t, namespace, name)
		},
	}
	c.Flags().StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the object")
	c.Flags().BoolVar(&past, "history", false, "tell what the loops of the running instance did last about the object")
	f.addFlags(c)
	c.AddCommand(newTraffic(t))
	return c
}

func podName(argument string) (string, error) {
	kind, name, ok := strings.Cut(argument, "/")
	switch {
	case !ok || name == "":
		return "", fmt.Errorf("%q: want pod/NAME, as in pod/web-5d8f", argument)
	case kind != "pod" && kind != "pods" && kind != "po":
		return "", fmt.Errorf("%q: want pod/NAME, service/NAME, pvc/NAME or pv/NAME; 'orrery plan %s' tells of what controllers will do, and --history of what they did", argument, argument)
	}
	return name, nil
}

func (f *foresight) explain(ctx context.Context, out io.Writer, world *simulate.Simulation, t *target, namespace, name string) error {
	examined, err := world.Examine(ctx, namespace, name)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no pod %s in namespace %s", name, namespace)
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, f.hint(err))
	}
	pod := report.Pod{
		Namespace: namespace, Name: name, Node: examined.Pod.Spec.NodeName, Explanation: examined.Explanation, Static: report.StaticOf(examined.Pod),
		Decided: f.decided(ctx, t, namespace, name, string(examined.Pod.UID)),
	}
	return printer.Prose(out, f.output, pod, func(out io.Writer) error { return report.Explain(out, pod) })
}

// hint says what to do about a pod of a scheduler that is not known.
func (f *foresight) hint(err error) string {
	if strings.Contains(err.Error(), "no profile of that name") {
		return ": name the configuration of its scheduler with --config"
	}
	return ""
}

// decided is what the scheduler of the running instance remembers, or nil.
func (f *foresight) decided(ctx context.Context, t *target, namespace, name, uid string) *explain.Record {
	inst, err := t.instance()
	if err != nil || f.access.kubeconfig != "" || !inst.Running() {
		return nil
	}
	record := &explain.Record{}
	if err := inst.Decision(ctx, namespace, name, record); err != nil {
		if !errors.Is(err, instance.ErrNoDecision) {
			logger().Info("What the scheduler decided could not be read", "reason", err.Error())
		}
		return nil
	}
	if record.UID != uid { // Of another cluster, or an earlier pod.
		return nil
	}
	return record
}

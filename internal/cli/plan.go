package cli

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newPlan(t *target) *cobra.Command {
	var (
		access    access
		flags     loopFlags
		namespace string
	)
	c := &cobra.Command{
		Use:   "plan KIND/NAME",
		Short: "Show what each controller would do next with an object, and do nothing",
		Long: `Show what each controller of a kind would do next with an object, step by step and
with the reason for each, as it is decided from what the cluster holds now.
Nothing is carried out. A settled object has nothing to do. A controller that decides
for many objects at once shows what it would do with all of them.

The controllers are those of the running instance, with its settings. On a cluster
that 'orrery manager' works on they are those of the manager: give its flags.`,
		Example: `  orrery plan deployment/web
  orrery plan deploy/web -n shop
  orrery plan namespaces/old --kubeconfig ~/.kube/config --naming orrery --cluster-loops`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			resource, name, ok := strings.Cut(args[0], "/")
			if !ok || resource == "" || name == "" {
				return fmt.Errorf("%q: want KIND/NAME, as in deployment/web", args[0])
			}
			cluster, err := access.cluster(t)
			if err != nil {
				return err
			}
			loops, err := flags.loops()
			if err != nil {
				return err
			}
			here, err := t.runningSettings()
			if err != nil {
				return err
			}
			if !c.Flags().Changed("cluster-cidr") {
				loops = ofInstance(loops, cluster, here)
			}
			loops.Cluster = loops.Cluster || cluster.Own
			return printPlans(c, cluster, loops, resource, client.ObjectKey{Namespace: namespace, Name: name})
		},
	}
	c.Flags().StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the object")
	access.addFlags(c.Flags())
	flags.addFlags(c.Flags())
	return c
}

// runningSettings are those of the instance if it runs, and otherwise the zero value.
func (t *target) runningSettings() (instance.Settings, error) {
	inst, err := t.instance()
	if err != nil || !inst.Running() {
		return instance.Settings{}, err
	}
	return inst.Settings()
}

// ofInstance are the loops of the instance with the settings here, if it is its API server that they are about; or else the loops
// as they are.
func ofInstance(loops wiring.Loops, c wiring.Cluster, here instance.Settings) wiring.Loops {
	if !c.Own || !listensAt(here.Port, c.Config.Host) {
		return loops
	}
	of := loopsOf(here)
	of.RootCA = loops.RootCA
	return of
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

func printPlans(c *cobra.Command, cluster wiring.Cluster, loops wiring.Loops, resource string, key client.ObjectKey) error {
	preview, err := wiring.NewPreview(cluster, loops)
	if err != nil {
		return err
	}
	plans, err := preview.Plans(c.Context(), resource, key)
	if err != nil {
		return err
	}
	for _, p := range plans {
		title := p.Loop
		if p.Key.Name != key.Name { // it decides for a group of objects
			title += " for " + strings.TrimPrefix(p.Key.String(), "/")
		}
		c.Printf("%s:\n  %s\n", title, strings.ReplaceAll(p.Plan.String(), "\n", "\n  "))
	}
	return nil
}

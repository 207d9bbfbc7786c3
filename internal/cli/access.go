package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/spf13/pflag"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// access is how a command reaches a cluster.
type access struct {
	kubeconfig string
	context    string
	naming     string
}

func (a *access) addFlags(flags *pflag.FlagSet) {
	a.addReach(flags)
	flags.StringVar(&a.naming, "naming", "", "which names of the kinds to use: kubernetes (apps/v1) or orrery (apps.orrery.dev/v1); by default what the cluster is made for")
}

// addReach adds the flags of a command to which it is all the same by which names kinds are called.
func (a *access) addReach(flags *pflag.FlagSet) {
	flags.StringVar(&a.kubeconfig, "kubeconfig", "", "`file` with the access to the cluster; by default KUBECONFIG, then that of the running instance, then ~/.kube/config, then the pod that this runs in")
	flags.StringVar(&a.context, "context", "", "`name` of the context in it; by default the current one")
}

// cluster is the cluster that the flags name. t may be nil, for a command that knows no instance.
func (a *access) cluster(t *target) (wiring.Cluster, error) {
	c := wiring.Cluster{Log: logger()}
	var err error
	if c.Config, err = a.rest(t); err != nil {
		return c, err
	}
	c.Config.QPS = -1 // the server's priority and fairness decides, and not a guess made here
	if c.Own, err = wiring.IsOwn(c.Config); err != nil {
		return c, err
	}
	c.Naming, err = a.chooseNaming(c)
	return c, err
}

func (a *access) rest(t *target) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	switch {
	case a.kubeconfig != "":
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: a.kubeconfig}
	case t != nil && os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "":
		inst, err := t.instance()
		if err != nil || !inst.Running() {
			break
		}
		status, err := inst.Status(context.Background())
		if err == nil {
			err = servesAPI(inst, status)
		}
		if err != nil {
			return nil, err // rather than wait for an API server that does not answer
		}
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: inst.Kubeconfig()}
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: a.context}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	if clientcmd.IsEmptyConfig(err) || errors.Is(err, rest.ErrNotInCluster) {
		return nil, fmt.Errorf("no cluster is known: start one with '%s', or name its access with --kubeconfig", t.command("up"))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the access to the cluster: %w", err)
	}
	return config, nil
}

// chooseNaming takes the naming that was asked for, or that which the cluster is made for: our own API servers keep the
// built-in kinds themselves; on any other cluster our kinds are custom resources.
func (a *access) chooseNaming(c wiring.Cluster) (apis.Naming, error) {
	if a.naming != "" {
		naming, err := apis.ParseNaming(a.naming)
		if err != nil {
			return "", fmt.Errorf("--naming: %w", err)
		}
		return naming, nil
	}
	if c.Own {
		return apis.Kubernetes, nil
	}
	client, err := discovery.NewDiscoveryClientForConfig(c.Config)
	if err != nil {
		return "", fmt.Errorf("reaching the cluster at %s: %w", c.Config.Host, err)
	}
	group := apis.Orrery.Group("apps")
	if _, err := client.ServerResourcesForGroupVersion(group + "/v1"); err != nil {
		return "", fmt.Errorf("the cluster at %s does not serve %s (%w): install the custom resources with 'make install', or choose with --naming",
			c.Config.Host, group, err)
	}
	return apis.Orrery, nil
}

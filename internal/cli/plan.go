package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
)

func newPlan(t *target) *cobra.Command {
	var (
		access    access
		namespace string
	)
	c := &cobra.Command{
		Use:   "plan KIND/NAME",
		Short: "Show what each controller would do next with an object, and do nothing",
		Long: `Show what each controller of a kind would do next with an object, step by step and
with the reason for each, as it is decided from what the cluster holds now.
Nothing is carried out. A settled object has nothing to do.`,
		Example: `  orrery plan deployment/web
  orrery plan deploy/web -n shop
  orrery plan namespaces/old --kubeconfig ~/.kube/config --naming orrery`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			resource, name, ok := strings.Cut(args[0], "/")
			if !ok || resource == "" || name == "" {
				return fmt.Errorf("%q: want KIND/NAME, as in deployment/web", args[0])
			}
			seen, err := newPreview(t, access)
			if err != nil {
				return err
			}
			return seen.print(c, resource, client.ObjectKey{Namespace: namespace, Name: name})
		},
	}
	c.Flags().StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the object")
	access.addFlags(c.Flags())
	return c
}

// preview shows plans of the controllers on a cluster.
type preview struct {
	cluster   cluster.Cluster
	discovery discovery.DiscoveryInterface
	loops     []loop.Loop
}

func newPreview(t *target, a access) (*preview, error) {
	config, naming, err := a.config(t)
	if err != nil {
		return nil, err
	}
	scheme, err := newScheme(naming)
	if err != nil {
		return nil, err
	}
	cl, err := cluster.New(config, func(o *cluster.Options) { o.Scheme = scheme })
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	resources, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	return &preview{cluster: cl, discovery: resources, loops: controllers.All(controllers.Options{})}, nil
}

func (p *preview) print(c *cobra.Command, word string, key client.ObjectKey) (err error) {
	loops, namespaced, err := p.loopsFor(word)
	if err != nil {
		return err
	}
	if !namespaced {
		key.Namespace = ""
	}
	ctx, stop := context.WithCancel(c.Context())
	if err := loop.Declare(ctx, p.cluster.GetFieldIndexer(), loops...); err != nil {
		stop()
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cluster.Start(ctx) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	if !p.cluster.GetCache().WaitForCacheSync(ctx) {
		return fmt.Errorf("reading the cluster: %w", context.Cause(ctx))
	}

	for _, l := range loops {
		decided, err := l.Preview(ctx, p.cluster.GetClient(), key, time.Now())
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("there is no %s %s", word, key)
		} else if err != nil {
			return err
		}
		c.Printf("%s:\n  %s\n", l.Name(), strings.ReplaceAll(decided.String(), "\n", "\n  "))
	}
	return nil
}

// loopsFor are the loops that decide for what a person means by a word: the kind, or a name of its resource.
func (p *preview) loopsFor(word string) (loops []loop.Loop, namespaced bool, err error) {
	var kinds []string
	for _, l := range p.loops {
		if l.Object() == nil {
			continue // it decides for no single kind
		}
		gvk, err := p.cluster.GetClient().GroupVersionKindFor(l.Object())
		if err != nil {
			return nil, false, fmt.Errorf("finding the kind of loop %s: %w", l.Name(), err)
		}
		resource, err := p.resource(gvk)
		if err != nil {
			return nil, false, err
		}
		if !answersTo(resource, word) {
			kinds = append(kinds, resource.Name)
			continue
		}
		loops, namespaced = append(loops, l), resource.Namespaced
	}
	if len(loops) == 0 {
		slices.Sort(kinds)
		return nil, false, fmt.Errorf("no controller decides for %q: there are ones for %s", word, strings.Join(slices.Compact(kinds), ", "))
	}
	return loops, namespaced, nil
}

// resource is what the cluster says of a kind.
func (p *preview) resource(gvk schema.GroupVersionKind) (metav1.APIResource, error) {
	list, err := p.discovery.ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if err != nil {
		return metav1.APIResource{}, fmt.Errorf("asking the cluster for the resources of %s: %w", gvk.GroupVersion(), err)
	}
	for _, resource := range list.APIResources {
		if resource.Kind == gvk.Kind && !strings.Contains(resource.Name, "/") {
			return resource, nil
		}
	}
	return metav1.APIResource{}, fmt.Errorf("the cluster does not serve %s", gvk)
}

func answersTo(resource metav1.APIResource, word string) bool {
	word = strings.ToLower(word)
	return word == resource.Name || word == resource.SingularName || word == strings.ToLower(resource.Kind) ||
		slices.Contains(resource.ShortNames, word)
}

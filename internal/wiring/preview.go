package wiring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
)

// Preview shows what the control loops of a cluster would do next. It carries nothing out.
type Preview struct {
	cluster   cluster.Cluster
	discovery discovery.DiscoveryInterface
	loops     []loop.Loop
}

// NewPreview takes the loops that NewControllers would run, as far as they decide for the objects of one kind.
func NewPreview(c Cluster, o Loops) (*Preview, error) {
	scheme, err := Scheme(c.Naming)
	if err != nil {
		return nil, err
	}
	p := &Preview{}
	if p.cluster, err = cluster.New(c.Config, func(o *cluster.Options) { o.Scheme, o.Logger = scheme, c.Log }); err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", c.Config.Host, err)
	}
	if p.discovery, err = c.discovery(); err != nil {
		return nil, err
	}
	entries, err := c.loops(o)
	if err != nil {
		return nil, err
	}
	p.loops = slices.DeleteFunc(controllers.Loops(entries), func(l loop.Loop) bool { return l.Object() == nil })
	return p, nil
}

// Plan is what one loop would do.
type Plan struct {
	Loop string
	Plan *plan.Plan
}

// Plans returns what each loop would do next with an object, as it would be decided now. The object's kind is given by any
// word that means it to a person: the kind, or a name of its resource. An object that does not exist is an error which
// apierrors.IsNotFound recognises. It can be asked once.
func (p *Preview) Plans(ctx context.Context, word string, key client.ObjectKey) (plans []Plan, err error) {
	loops, namespaced, err := p.loopsFor(word)
	if err != nil {
		return nil, err
	}
	if !namespaced {
		key.Namespace = ""
	}
	ctx, stop := context.WithCancel(ctx)
	if err := loop.Declare(ctx, p.cluster.GetFieldIndexer(), loops...); err != nil {
		stop()
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cluster.Start(ctx) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	if !p.cluster.GetCache().WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("reading the cluster: %w", context.Cause(ctx))
	}
	for _, l := range loops {
		decided, err := l.Preview(ctx, p.cluster.GetClient(), key, time.Now())
		if err != nil {
			return nil, err
		}
		plans = append(plans, Plan{Loop: l.Name(), Plan: decided})
	}
	return plans, nil
}

// loopsFor are the loops that decide for the kind that a word means.
func (p *Preview) loopsFor(word string) (loops []loop.Loop, namespaced bool, err error) {
	var kinds []string
	for _, l := range p.loops {
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
func (p *Preview) resource(gvk schema.GroupVersionKind) (metav1.APIResource, error) {
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

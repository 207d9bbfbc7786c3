package wiring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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

// NewPreview takes the loops that NewControllers would run, but for what decides for objects of every kind.
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
	// Those that sign run beside the API server, whoever asks for their plans.
	entries, err := c.selected(o, func(e controllers.Entry) bool { return c.Own || c.signs(e) })
	if err != nil {
		return nil, err
	}
	if entries, err = c.served(scheme, entries); err != nil {
		return nil, err
	}
	p.loops = controllers.Loops(entries)
	return p, nil
}

// Concern is which loops decide for objects of a kind.
type Concern struct {
	// Kind is its name, such as "Deployment".
	Kind string
	// Namespaced says whether its objects live in a namespace.
	Namespaced bool
	// Loops are those that decide for its objects one at a time, and Groups those that decide for groups which they are in.
	Loops, Groups []string
}

// Concerned says which loops decide for objects of a kind, which is given by any word that means it to a person.
func (p *Preview) Concerned(word string) (Concern, error) {
	kind, err := p.kindOf(word)
	if err != nil {
		return Concern{}, err
	}
	loops, err := p.concerned(kind)
	if err != nil {
		return Concern{}, err
	}
	c := Concern{Kind: kind.gvk.Kind, Namespaced: kind.namespaced}
	for _, l := range loops {
		if l.Object() != nil {
			c.Loops = append(c.Loops, l.Name())
		} else {
			c.Groups = append(c.Groups, l.Name())
		}
	}
	return c, nil
}

// Plan is what one loop would do.
type Plan struct {
	Loop string
	// Key is what the loop decides for: the object, or a group that it is in.
	Key  client.ObjectKey
	Plan *plan.Plan
}

// Plans returns what each loop would do next because of an object, as it would be decided now: the loops of its kind, and those
// that decide for a group of objects which it is in. The object's kind is given by any word that means it to a person: the
// kind, or a name of its resource. An object that does not exist is an error which apierrors.IsNotFound recognises.
//
// It can be asked once.
func (p *Preview) Plans(ctx context.Context, word string, key client.ObjectKey) (plans []Plan, err error) {
	kind, err := p.kindOf(word)
	if err != nil {
		return nil, err
	}
	if !kind.namespaced {
		key.Namespace = ""
	}
	loops, err := p.concerned(kind)
	if err != nil {
		return nil, err
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
	obj := kind.object()
	if err := p.cluster.GetClient().Get(ctx, key, obj); err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind.gvk.Kind, strings.TrimPrefix(key.String(), "/"), err)
	}
	for _, l := range loops {
		keys, err := p.keysFor(ctx, l, kind, obj)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			decided, err := l.Preview(ctx, p.cluster.GetClient(), key, time.Now())
			if err != nil {
				return nil, err
			}
			plans = append(plans, Plan{Loop: l.Name(), Key: key, Plan: decided})
		}
	}
	return plans, nil
}

// keysFor are the keys for which a loop decides because of an object: its own, or those of groups that it is in.
func (p *Preview) keysFor(ctx context.Context, l loop.Loop, kind kind, obj client.Object) ([]client.ObjectKey, error) {
	if l.Object() != nil {
		return []client.ObjectKey{client.ObjectKeyFromObject(obj)}, nil
	}
	watches, err := p.watchesOf(l, kind)
	if err != nil {
		return nil, err
	}
	var keys []client.ObjectKey
	for _, watch := range watches {
		woken, err := watch.Wakes(ctx, p.cluster.GetClient(), nil, obj)
		if err != nil {
			return nil, fmt.Errorf("finding what loop %s decides for because of %s: %w", l.Name(), client.ObjectKeyFromObject(obj), err)
		}
		for _, key := range woken {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

package replica

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
)

// pageSize is how many objects are read at a time.
const pageSize = 500

// Origin is where the objects of a replica come from.
type Origin interface {
	// List returns all objects of a resource, named as Kubernetes does. A resource that is not served has none.
	List(ctx context.Context, resource schema.GroupVersionResource) ([]*unstructured.Unstructured, error)
}

// Of is the origin of a copy of a cluster whose kinds have a naming.
func Of(config *rest.Config, naming apis.Naming) (Origin, error) {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return readOnly{next} })
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	return &cluster{client: client, names: newNames(naming)}, nil
}

// readOnly lets only GET through.
type readOnly struct{ next http.RoundTripper }

func (r readOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet {
		return nil, fmt.Errorf("%s %s: a cluster that is copied is only read", request.Method, request.URL.Path)
	}
	return r.next.RoundTrip(request)
}

type cluster struct {
	client dynamic.Interface
	names  names
}

func (c *cluster) List(ctx context.Context, resource schema.GroupVersionResource) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := c.client.Resource(c.names.there(resource)).List(ctx, options)
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s of the cluster: %w", resource.GroupResource(), err)
		}
		for i := range page.Items {
			c.names.toHere(&page.Items[i], resource.GroupVersion())
			objects = append(objects, &page.Items[i])
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return objects, nil
		}
	}
}

// nothing is the origin of an empty cluster.
type nothing struct{}

func (nothing) List(context.Context, schema.GroupVersionResource) ([]*unstructured.Unstructured, error) {
	return nil, nil
}

// names translates between Kubernetes' names, which are used here, and those of the cluster.
type names struct {
	resources map[schema.GroupVersionResource]schema.GroupVersionResource
	versions  map[string]string // the cluster's apiVersion to ours
}

func newNames(naming apis.Naming) names {
	n := names{resources: map[schema.GroupVersionResource]schema.GroupVersionResource{}, versions: map[string]string{}}
	for _, kind := range apis.Kinds() {
		here, there := kind.GroupVersionResource(apis.Kubernetes), kind.GroupVersionResource(naming)
		n.resources[here] = there
		n.versions[there.GroupVersion().String()] = here.GroupVersion().String()
	}
	return n
}

func (n names) there(resource schema.GroupVersionResource) schema.GroupVersionResource {
	if there, ours := n.resources[resource]; ours {
		return there
	}
	return resource
}

// toHere renames an object and its owners.
func (n names) toHere(object *unstructured.Unstructured, version schema.GroupVersion) {
	object.SetAPIVersion(version.String())
	object.SetManagedFields(nil)
	owners := object.GetOwnerReferences()
	for i := range owners {
		if here, ours := n.versions[owners[i].APIVersion]; ours {
			owners[i].APIVersion = here
		}
	}
	if len(owners) > 0 {
		object.SetOwnerReferences(owners)
	}
}

// kindOf is the kind of Kubernetes' own that a resource holds; one that is not known has no name.
func kindOf(resource schema.GroupVersionResource) schema.GroupVersionKind {
	version := resource.GroupVersion()
	for name := range clientgoscheme.Scheme.KnownTypes(version) {
		if plural, _ := meta.UnsafeGuessKindToResource(version.WithKind(name)); plural == resource {
			return version.WithKind(name)
		}
	}
	return version.WithKind("")
}

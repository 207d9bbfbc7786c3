package objects

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// Kind is a kind that the server serves.
type Kind struct {
	schema.GroupVersionKind
	// Resource is what its objects are called in paths, as in "deployments".
	Resource   string
	Namespaced bool
	// Words are what people call it besides, in lower case.
	Words []string
	// Listable: all objects of it can be asked for.
	Listable bool
}

// GVR is the kind's resource in a request.
func (k Kind) GVR() schema.GroupVersionResource { return k.GroupVersion().WithResource(k.Resource) }

// Finder finds objects.
type Finder struct {
	kinds    []Kind
	metadata metadata.Interface
	whole    dynamic.Interface
}

// New asks the cluster for its kinds. A group whose server does not answer is left out. patience is how long each answer may take.
func New(config *rest.Config, patience time.Duration) (*Finder, error) {
	config = rest.CopyConfig(config)
	config.Timeout, config.QPS = patience, -1
	config.WarningHandler = rest.NoWarnings{} // that a kind is deprecated is no news to who asks for all of them
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	lists, err := client.ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, fmt.Errorf("asking the cluster at %s for its kinds: %w", config.Host, err)
	}
	f := &Finder{kinds: kindsOf(lists)}
	if f.metadata, err = metadata.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	if f.whole, err = dynamic.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	return f, nil
}

// kindsOf are the kinds of what discovery tells, in its order, which is that of preference.
func kindsOf(lists []*metav1.APIResourceList) []Kind {
	var kinds []Kind
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // a server that has no such version cannot be asked for it
		}
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "get") {
				continue
			}
			words := append([]string{r.Name, r.SingularName, strings.ToLower(r.Kind)}, r.ShortNames...)
			kinds = append(kinds, Kind{
				version.WithKind(r.Kind), r.Name, r.Namespaced,
				slices.DeleteFunc(words, func(word string) bool { return word == "" }), slices.Contains(r.Verbs, "list"),
			})
		}
	}
	return kinds
}

// Kinds are all kinds whose objects can be read, those first that a word without a group means.
func (f *Finder) Kinds() []Kind { return f.kinds }

// Kind is the kind that a word means, as in "deployment", "po" or "deployments.apps".
func (f *Finder) Kind(word string) (Kind, error) {
	name, group, grouped := strings.Cut(strings.ToLower(word), ".")
	for _, k := range f.kinds {
		if slices.Contains(k.Words, name) && (!grouped || group == k.Group || group == k.Version+"."+k.Group) {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("the cluster has no kind %q: 'orrery kubectl api-resources' lists them", word)
}

// Of is the kind of a reference, in whatever version it is served.
func (f *Finder) Of(group, kind string) (Kind, error) {
	for _, k := range f.kinds {
		if k.Group == group && k.GroupVersionKind.Kind == kind {
			return k, nil
		}
	}
	return Kind{}, &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: group, Kind: kind}}
}

// Named is the kind and the name of "KIND/NAME".
func (f *Finder) Named(argument string) (Kind, string, error) {
	word, name, ok := strings.Cut(argument, "/")
	if !ok || word == "" || name == "" {
		return Kind{}, "", fmt.Errorf("%q: want KIND/NAME, as in deployment/web", argument)
	}
	kind, err := f.Kind(word)
	return kind, name, err
}

// Metadata is that of an object. The namespace of a kind that lives in none is not looked at.
func (f *Finder) Metadata(ctx context.Context, kind Kind, namespace, name string) (*metav1.PartialObjectMetadata, error) {
	if !kind.Namespaced {
		namespace = ""
	}
	object, err := f.metadata.Resource(kind.GVR()).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind.GroupVersionKind.Kind, pathOf(namespace, name), err)
	}
	object.SetGroupVersionKind(kind.GroupVersionKind)
	return object, nil
}

// page is how many objects one answer brings.
const page = 500

// List is the metadata of all objects of a kind in a namespace, of all namespaces if that is empty; at most most of them, if that
// is above zero.
func (f *Finder) List(ctx context.Context, kind Kind, namespace string, most int64) ([]metav1.PartialObjectMetadata, error) {
	if !kind.Namespaced {
		namespace = ""
	}
	options := metav1.ListOptions{Limit: page}
	if most > 0 {
		options.Limit = min(page, most)
	}
	var all []metav1.PartialObjectMetadata
	for {
		list, err := f.metadata.Resource(kind.GVR()).Namespace(namespace).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind.Resource, err)
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(kind.GroupVersionKind)
		}
		all = append(all, list.Items...)
		options.Continue = list.Continue
		if options.Continue == "" || most > 0 && int64(len(all)) >= most {
			return all, nil
		}
	}
}

// Whole is all of an object.
func (f *Finder) Whole(ctx context.Context, kind Kind, namespace, name string) (*unstructured.Unstructured, error) {
	if !kind.Namespaced {
		namespace = ""
	}
	object, err := f.whole.Resource(kind.GVR()).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind.GroupVersionKind.Kind, pathOf(namespace, name), err)
	}
	return object, nil
}

func pathOf(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/internal/cli/objects"
)

// sideBySide is how many objects are asked for at once.
const sideBySide = 16

// page is how many objects one answer brings.
const page = 500

// Place is an API server.
type Place struct {
	objects dynamic.Interface // to write; what the server warns of is told as the config says
	quiet   dynamic.Interface // to read: that a kind is deprecated is no news to who asks for all of them
	kinds   discovery.DiscoveryInterface
}

// Reach is the API server that a config leads to. It is not asked for anything yet.
func Reach(config *rest.Config) (p Place, err error) {
	quiet := rest.CopyConfig(config)
	quiet.WarningHandler, quiet.WarningHandlerWithContext = rest.NoWarnings{}, nil
	p.objects, err = dynamic.NewForConfig(config)
	if err == nil {
		p.quiet, err = dynamic.NewForConfig(quiet)
	}
	if err == nil {
		p.kinds, err = discovery.NewDiscoveryClientForConfig(quiet)
	}
	if err != nil {
		return p, fmt.Errorf("reaching the cluster at %s: %w", config.Host, err)
	}
	return p, nil
}

// Snapshot is a namespace of a snapshot, with what it needs beyond. It does not change.
type Snapshot struct {
	namespace *unstructured.Unstructured
	objects   []*unstructured.Unstructured
	beyond    map[Ref]*unstructured.Unstructured
	unread    map[schema.GroupKind]error
}

// Read reads a namespace from an API server that has the snapshot. kinds are all that this serves, each by one of its names. Events are
// not read: they tell of what was. Nor is what other API servers serve, which do not run there.
func Read(ctx context.Context, from Place, kinds []objects.Kind, namespace string) (*Snapshot, error) {
	s := &Snapshot{beyond: map[Ref]*unstructured.Unstructured{}, unread: map[schema.GroupKind]error{}}
	var err error
	if s.namespace, err = from.get(ctx, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, "", namespace); err != nil {
		return nil, fmt.Errorf("reading namespace %s in the snapshot: %w", namespace, err)
	}
	definitions, err := from.list(ctx, definitionKind.WithVersion("v1").GroupVersion().WithResource("customresourcedefinitions"), "")
	if err != nil {
		return nil, fmt.Errorf("listing the CustomResourceDefinitions in the snapshot: %w", err)
	}
	elsewhere, err := from.aggregated(ctx)
	if err != nil {
		return nil, err
	}
	stored := storageVersions(definitions)
	for _, kind := range kinds {
		if !kind.Namespaced || !kind.Listable || kind.GroupVersionKind.Kind == "Event" || elsewhere[kind.GroupVersion()] {
			continue
		}
		resource := kind.GVR()
		if version, custom := stored[resource.GroupResource()]; custom {
			resource.Version = version // in another one a webhook would have to answer, which does not run
		}
		list, err := from.list(ctx, resource, namespace)
		if err != nil {
			s.unread[kind.GroupKind()] = err
			continue
		}
		s.objects = append(s.objects, list...)
	}
	return s, s.readBeyond(ctx, from, kinds, definitions)
}

// aggregated are the versions that an API server has another one answer for.
func (p Place) aggregated(ctx context.Context) (map[schema.GroupVersion]bool, error) {
	services, err := p.list(ctx, schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}, "")
	if err != nil {
		return nil, fmt.Errorf("listing the APIServices in the snapshot: %w", err)
	}
	elsewhere := map[schema.GroupVersion]bool{}
	for _, s := range services {
		if service, found, _ := unstructured.NestedMap(s.Object, "spec", "service"); found && service != nil { // absent: it answers itself
			elsewhere[schema.GroupVersion{Group: textAt(s, "spec", "group"), Version: textAt(s, "spec", "version")}] = true
		}
	}
	return elsewhere, nil
}

// storageVersions are the versions that objects of custom resources are stored in, as far as these are served.
func storageVersions(definitions []*unstructured.Unstructured) map[schema.GroupResource]string {
	stored := map[schema.GroupResource]string{}
	for _, d := range definitions {
		versions, _, _ := unstructured.NestedSlice(d.Object, "spec", "versions") // the server has checked that there are some
		for _, v := range versions {
			if v, ok := v.(map[string]any); ok && v["storage"] == true && v["served"] == true {
				stored[schema.GroupResource{Group: textAt(d, "spec", "group"), Resource: textAt(d, "spec", "names", "plural")}] = fmt.Sprint(v["name"])
			}
		}
	}
	return stored
}

// readBeyond reads what the objects need beyond the namespace.
func (s *Snapshot) readBeyond(ctx context.Context, from Place, kinds []objects.Kind, definitions []*unstructured.Unstructured) error {
	resources, used := map[schema.GroupKind]schema.GroupVersionResource{}, map[schema.GroupKind]bool{}
	for _, kind := range kinds {
		resources[kind.GroupKind()] = kind.GVR()
	}
	for _, o := range s.objects {
		used[o.GroupVersionKind().GroupKind()] = true
		for _, ref := range beyond(o) {
			if _, known := s.beyond[ref]; known {
				continue
			}
			needed, err := from.get(ctx, resources[ref.GroupKind], "", ref.Name)
			if err != nil {
				return fmt.Errorf("reading %s in the snapshot: %w", ref, err)
			}
			if needed != nil {
				s.beyond[ref] = needed
			}
		}
	}
	for _, d := range definitions {
		if used[schema.GroupKind{Group: textAt(d, "spec", "group"), Kind: textAt(d, "spec", "names", "kind")}] {
			s.beyond[refOf(d)] = d
		}
	}
	bindings, err := from.list(ctx, resources[clusterRoleBindingKind], "")
	if err != nil {
		return fmt.Errorf("listing the ClusterRoleBindings in the snapshot: %w", err)
	}
	for _, b := range bindings {
		if slices.ContainsFunc(s.objects, func(o *unstructured.Unstructured) bool {
			return o.GroupVersionKind().GroupKind() == accountKind && binds(b, o.GetNamespace(), o.GetName())
		}) {
			s.beyond[refOf(b)] = b
		}
	}
	return nil
}

// Observe reads what a cluster has of a snapshot now, where the request wants it.
func Observe(ctx context.Context, s *Snapshot, cluster Place, request Request) (World, error) {
	w := World{
		Then: s.objects, ThenNamespace: s.namespace, Unread: s.unread, Beyond: s.beyond,
		Now: map[Ref]*unstructured.Unstructured{}, Unseen: map[Ref]error{}, Served: map[schema.GroupVersionKind]metav1.APIResource{},
	}
	_, lists, err := cluster.kinds.ServerGroupsAndResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return w, fmt.Errorf("asking the cluster for its kinds: %w", err)
	}
	w.served(lists)
	return w, w.look(ctx, cluster, w.asked(request))
}

// served notes what discovery tells. What answers at the path of another, as pods/log, is no kind.
func (w *World) served(lists []*metav1.APIResourceList) {
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // a server that has no such version cannot be asked for it
		}
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") && slices.Contains(r.Verbs, "create") && slices.Contains(r.Verbs, "get") {
				w.Served[version.WithKind(r.Kind)] = r
			}
		}
	}
}

// asked are all objects of the cluster that a plan can rest on.
func (w *World) asked(request Request) map[Ref]schema.GroupVersionKind {
	asked := map[Ref]schema.GroupVersionKind{{namespaceKind, "", request.into()}: namespaceKind.WithVersion("v1")}
	then := map[types.UID]bool{}
	for _, o := range w.Then {
		then[o.GetUID()] = true
		asked[request.place(o)] = o.GroupVersionKind()
	}
	for _, o := range w.Then {
		for _, ref := range beyond(o) {
			asked[ref] = ref.WithVersion("")
		}
		for _, owner := range o.GetOwnerReferences() {
			if kind := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind); !then[owner.UID] && !w.Served[kind].Namespaced {
				asked[beyondRef(owner)] = kind
			}
		}
	}
	for ref, o := range w.Beyond {
		asked[ref] = o.GroupVersionKind()
	}
	return asked
}

// resource is where a kind is served, in that version or, if it is not, in another; false where it is not at all.
func (w *World) resource(kind schema.GroupVersionKind) (schema.GroupVersionResource, bool) {
	if r, ok := w.Served[kind]; ok {
		return kind.GroupVersion().WithResource(r.Name), true
	}
	for served, r := range w.Served {
		if served.GroupKind() == kind.GroupKind() {
			return served.GroupVersion().WithResource(r.Name), true
		}
	}
	return schema.GroupVersionResource{}, false
}

// look asks for objects. What cannot be seen is noted: somebody may lack the right to, and need it for nothing.
func (w *World) look(ctx context.Context, cluster Place, asked map[Ref]schema.GroupVersionKind) error {
	var (
		mu      sync.Mutex
		looking sync.WaitGroup
	)
	turn := make(chan struct{}, sideBySide)
	for ref, kind := range asked {
		resource, served := w.resource(kind)
		if !served {
			continue
		}
		turn <- struct{}{}
		looking.Go(func() {
			defer func() { <-turn }()
			o, err := cluster.get(ctx, resource, ref.Namespace, ref.Name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				w.Unseen[ref] = err
			case o != nil:
				w.Now[ref] = o
			}
		})
	}
	looking.Wait()
	return ctx.Err()
}

// get is an object, or nil where there is none.
func (p Place) get(ctx context.Context, resource schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, error) {
	o, err := p.quiet.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // that is what it says
	}
	return o, err
}

// list are all objects of a resource in a namespace; in all of them if that is empty.
func (p Place) list(ctx context.Context, resource schema.GroupVersionResource, namespace string) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	options := metav1.ListOptions{Limit: page}
	for {
		list, err := p.quiet.Resource(resource).Namespace(namespace).List(ctx, options)
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			all = append(all, &list.Items[i])
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			return all, nil
		}
	}
}

package apiserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"time"

	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apiextensionsclient "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/typed/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/config/crd"
)

// checksumAnnotation holds, on a definition that we wrote, the checksum of the file it was written from, so that a
// restart sees at once that nothing has changed.
const checksumAnnotation = "orrery.dev/definition-checksum"

// definitionPoll is how often discovery is looked at until it is complete.
const definitionPoll = 25 * time.Millisecond

// definition is one file of config/crd.
type definition struct {
	file     string
	data     []byte
	checksum string
}

// ensureDefinitions creates the definitions of the second names, brings those of an older release up to date, and
// returns when discovery shows all of them.
func ensureDefinitions(ctx context.Context, config *rest.Config) error {
	definitions, err := readDefinitions()
	if err != nil {
		return err
	}
	clients, err := apiextensions.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a client for definitions: %w", err)
	}
	client := clients.ApiextensionsV1().CustomResourceDefinitions()

	var before *apiextensionsv1.CustomResourceDefinitionList
	if err := retryTransient("definitions", func() (err error) {
		before, err = client.List(ctx, metav1.ListOptions{})
		return err
	}); err != nil {
		return err
	}
	present, pending := map[string]bool{}, pendingDefinitions()
	for i, found := range before.Items {
		present[found.Annotations[checksumAnnotation]] = true
		if err := pending.see(&before.Items[i]); err != nil {
			return err
		}
	}
	err = each(ctx, definitions, func(ctx context.Context, d *definition) error {
		if present[d.checksum] {
			return nil
		}
		return d.write(ctx, client)
	})
	if err != nil {
		return err
	}
	if err := pending.wait(ctx, client, before.ResourceVersion); err != nil {
		return err
	}
	return waitDiscovered(ctx, clients)
}

func readDefinitions() ([]definition, error) {
	names, err := fs.Glob(crd.Names, "names/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing definitions: %w", err)
	}
	definitions := make([]definition, len(names))
	for i, name := range names {
		data, err := crd.Names.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading definition: %w", err)
		}
		sum := sha256.Sum256(data)
		definitions[i] = definition{file: name, data: data, checksum: hex.EncodeToString(sum[:])}
	}
	return definitions, nil
}

// decode returns the definition with its checksum.
func (d *definition) decode() (*apiextensionsv1.CustomResourceDefinition, error) {
	decoded := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(d.data, decoded); err != nil {
		return nil, fmt.Errorf("reading definition %s: %w", d.file, err)
	}
	metav1.SetMetaDataAnnotation(&decoded.ObjectMeta, checksumAnnotation, d.checksum)
	return decoded, nil
}

// write creates the definition or replaces the spec of the one that is there.
func (d *definition) write(ctx context.Context, client apiextensionsclient.CustomResourceDefinitionInterface) error {
	wanted, err := d.decode()
	if err != nil {
		return err
	}
	return retryTransient("CustomResourceDefinition "+wanted.Name, func() error {
		_, err := client.Create(ctx, wanted, metav1.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		found, err := client.Get(ctx, wanted.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found.Spec = wanted.Spec
		metav1.SetMetaDataAnnotation(&found.ObjectMeta, checksumAnnotation, d.checksum)
		_, err = client.Update(ctx, found, metav1.UpdateOptions{})
		return err
	})
}

// pendingNames are the definitions that are not established yet.
type pendingNames sets.Set[string]

func pendingDefinitions() pendingNames {
	names := sets.New[string]()
	for _, kind := range apis.Kinds() {
		names.Insert(kind.GroupVersionResource(apis.Orrery).GroupResource().String())
	}
	return pendingNames(names)
}

// see takes a definition off the list when it is established, and returns an error when it never will be.
func (p pendingNames) see(found *apiextensionsv1.CustomResourceDefinition) error {
	names := sets.Set[string](p)
	if !names.Has(found.Name) {
		return nil
	}
	if apihelpers.IsCRDConditionTrue(found, apiextensionsv1.Established) {
		names.Delete(found.Name)
		return nil
	}
	if refused := apihelpers.FindCRDCondition(found, apiextensionsv1.NamesAccepted); refused != nil && refused.Status == apiextensionsv1.ConditionFalse {
		return fmt.Errorf("CustomResourceDefinition %s was not accepted: %s", found.Name, refused.Message)
	}
	return nil
}

// wait watches from a resourceVersion on until every definition is established.
func (p pendingNames) wait(ctx context.Context, client apiextensionsclient.CustomResourceDefinitionInterface, resourceVersion string) error {
	if len(p) == 0 {
		return nil
	}
	watcher := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		return client.Watch(ctx, options)
	}}
	_, err := watchtools.Until(ctx, resourceVersion, watcher, func(event watch.Event) (bool, error) {
		found, ok := event.Object.(*apiextensionsv1.CustomResourceDefinition)
		if !ok {
			return false, apierrors.FromObject(event.Object)
		}
		err := p.see(found)
		return len(p) == 0, err
	})
	if err != nil {
		return fmt.Errorf("waiting for definitions %v: %w", sets.List(sets.Set[string](p)), err)
	}
	return nil
}

// waitDiscovered waits until a client that asks what the server has is told of every second name.
func waitDiscovered(ctx context.Context, clients apiextensions.Interface) error {
	pending := sets.New[schema.GroupVersionResource]()
	for _, kind := range apis.Kinds() {
		pending.Insert(kind.GroupVersionResource(apis.Orrery))
	}
	err := wait.PollUntilContextCancel(ctx, definitionPoll, true, func(context.Context) (bool, error) {
		_, lists, err := clients.Discovery().ServerGroupsAndResources()
		if err != nil {
			return false, nil //nolint:nilerr // the server is still taking the definitions in
		}
		for _, list := range lists {
			gv, err := schema.ParseGroupVersion(list.GroupVersion)
			if err != nil {
				return false, fmt.Errorf("reading discovery: %w", err)
			}
			for _, resource := range list.APIResources {
				pending.Delete(gv.WithResource(resource.Name))
			}
		}
		return pending.Len() == 0, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for discovery to show %v: %w", pending.UnsortedList(), err)
	}
	return nil
}

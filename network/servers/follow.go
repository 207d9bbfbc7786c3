package servers

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// ofServers selects the EndpointSlices of the Service kubernetes.
const ofServers = discoveryv1.LabelServiceName + "=kubernetes"

// Follow calls set with the API servers of the cluster, as HOST:PORT, whenever the endpoints of the Service kubernetes have changed, until ctx
// ends. It takes the right to list and watch EndpointSlices in the namespace default.
func Follow(ctx context.Context, config *rest.Config, set func([]string)) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for the endpoints of API servers: %w", err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(metav1.NamespaceDefault),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = ofServers }))
	endpoints := factory.Discovery().V1().EndpointSlices()
	tell := func() {
		all, err := endpoints.Lister().List(labels.Everything())
		if err == nil { // a cache gives none
			set(addresses(all))
		}
	}
	if _, err := endpoints.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { tell() }, UpdateFunc: func(any, any) { tell() }, DeleteFunc: func(any) { tell() },
	}); err != nil {
		return fmt.Errorf("watching the endpoints of API servers: %w", err)
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

// List returns the API servers of the cluster, as HOST:PORT, as the endpoints of the Service kubernetes have them now. It takes the right
// to list EndpointSlices in the namespace default.
func List(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	list, err := client.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{LabelSelector: ofServers})
	if err != nil {
		return nil, fmt.Errorf("listing the endpoints of API servers: %w", err)
	}
	all := make([]*discoveryv1.EndpointSlice, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	return addresses(all), nil
}

// addresses are those of the endpoints that serve, in order.
func addresses(all []*discoveryv1.EndpointSlice) []string {
	var found []string
	for _, slice := range all {
		for _, port := range slice.Ports {
			if port.Name == nil || *port.Name != "https" || port.Port == nil {
				continue
			}
			for _, endpoint := range slice.Endpoints {
				if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready {
					continue
				}
				for _, address := range endpoint.Addresses {
					found = append(found, net.JoinHostPort(address, strconv.Itoa(int(*port.Port))))
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

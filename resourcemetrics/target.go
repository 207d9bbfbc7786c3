package resourcemetrics

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

const (
	// resourceMetricsPath is where a node tells what it uses, unless its Node says otherwise in the annotation.
	resourceMetricsPath           = "/metrics/resource"
	annotationResourceMetricsPath = "metrics.k8s.io/resource-metrics-path"
	// defaultPort is the kubelet's.
	defaultPort = 10250
)

// addressTypes are in the order in which a node's addresses are preferred: the API server's own.
var addressTypes = []corev1.NodeAddressType{corev1.NodeInternalIP, corev1.NodeHostName, corev1.NodeExternalIP}

// target is where a node tells what it uses.
func target(node *corev1.Node) (string, error) {
	port, path := int(node.Status.DaemonEndpoints.KubeletEndpoint.Port), node.Annotations[annotationResourceMetricsPath]
	if port == 0 {
		port = defaultPort
	}
	if path == "" {
		path = resourceMetricsPath
	}
	for _, wanted := range addressTypes {
		i := slices.IndexFunc(node.Status.Addresses, func(a corev1.NodeAddress) bool { return a.Type == wanted })
		if i >= 0 {
			address := url.URL{Scheme: "https", Host: net.JoinHostPort(node.Status.Addresses[i].Address, strconv.Itoa(port)), Path: path}
			return address.String(), nil
		}
	}
	return "", fmt.Errorf("finding the address of node %s: it has none of type %v", node.Name, addressTypes)
}

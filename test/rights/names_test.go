package rights_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/dns"
)

// runDNS answers where only this machine asks.
func runDNS(ctx context.Context, config *rest.Config) error {
	part, err := wiring.NewDNS(wiring.Cluster{Config: config, Naming: apis.Kubernetes, Own: true, Log: logr.Discard()}, dns.Options{
		NodeName: "one", ServiceIP: dns.ServiceIP(netip.MustParsePrefix(apiserver.DefaultServiceCIDR)), Listen: netip.MustParseAddr("127.0.0.1"),
	}, nil)
	if err != nil {
		return err
	}
	return part.Run(ctx)
}

// names has a Corefile written that cannot be used.
func (s *session) names(t *testing.T) {
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "coredns"}}
	await.Success(t, "the Corefile is there", func() error { return s.Get(t.Context(), client.ObjectKeyFromObject(config), config) })
	s.change(t, config, func() { config.Data["Corefile"] = ".:53 {\n    nonsense\n}\n" })
	await.Until(t, "an Event that it is refused", func() (string, bool) {
		var events eventsv1.EventList
		err := s.List(t.Context(), &events, client.InNamespace(metav1.NamespaceSystem))
		for _, event := range events.Items {
			if event.Reason == "CorefileRefused" {
				return "", true
			}
		}
		return fmt.Sprint(len(events.Items), err), false
	})
	s.remove(t, config)
}

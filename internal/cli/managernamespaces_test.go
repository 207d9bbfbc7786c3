package cli

import (
	"strings"
	"testing"
)

func TestWhatIsForTheWholeClusterIsNotConfinedToNamespaces(t *testing.T) {
	for want, set := range map[string]func(*managerOptions){
		"--scheduler is for the whole cluster":            func(o *managerOptions) { o.scheduler = true },
		"--simulated-nodes is for the whole cluster":      func(o *managerOptions) { o.nodes = 1 },
		"--cluster-loops is for the whole cluster":        func(o *managerOptions) { o.loops.cluster = true },
		"--webhook-cert-path is for the whole cluster":    func(o *managerOptions) { o.webhooks.certDir = "/certs" },
		`--namespaces "Shop" is the name of no namespace`: func(o *managerOptions) { o.namespaces = []string{"Shop"} },
	} {
		o := managerOptions{namespaces: []string{"shop"}}
		set(&o)
		if err := o.checkNamespaces(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := (&managerOptions{scheduler: true}).checkNamespaces(); err != nil {
		t.Errorf("without --namespaces: %v", err)
	}
}

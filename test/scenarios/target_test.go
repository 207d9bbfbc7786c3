package scenarios

import (
	"errors"
	"io/fs"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/go-logr/logr"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/test/auditlog"
)

// target is a server with the loops, seen by users under a naming.
type target struct {
	name   string
	naming apis.Naming
	admin  *rest.Config
}

// targets are the ways to run the control plane. The embedded server is one: its second names are of the same objects, which
// its loops know under Kubernetes' names.
func targets(t *testing.T) []*target {
	t.Helper()
	embedded, server := startEmbedded(t)
	plain := startPlain(t)
	nodes := []nodeagent.FleetOptions{{Nodes: 2}}
	(&loops{
		naming:   apis.Kubernetes,
		own:      true,
		as:       identities(t, server),
		configOf: server.ControllerConfig,
		fleets:   nodes,
	}).start(t)
	(&loops{
		naming:   apis.Orrery,
		as:       func(identity.Identity) *rest.Config { return rest.CopyConfig(plain) },
		fleets:   nodes,
		webhooks: newWebhooks(t, plain),
	}).start(t)
	return []*target{
		{"the embedded server", apis.Kubernetes, embedded},
		{"the embedded server by its second names", apis.Orrery, embedded},
		{"a plain server", apis.Orrery, plain},
	}
}

// startEmbedded starts our API server with both namings, and returns how an administrator reaches it. In the end its log has
// to tell that none of our components was refused anything.
func startEmbedded(t *testing.T) (*rest.Config, *apiserver.Server) {
	t.Helper()
	log, err := auditlog.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nothingWasRefused(t, log) })
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Logger: logr.Discard(), Flags: log.Flags()})
	return identities(t, server)(identity.Admin), server
}

func nothingWasRefused(t *testing.T, log auditlog.Log) {
	t.Helper()
	refusals, err := log.Refusals()
	if t.Failed() && errors.Is(err, fs.ErrNotExist) {
		return // the server did not start
	}
	if err != nil {
		t.Error(err)
	}
	for _, refusal := range refusals {
		t.Error(refusal)
	}
}

// identities is how components reach our own API server.
func identities(t *testing.T, server *apiserver.Server) func(identity.Identity) *rest.Config {
	return func(who identity.Identity) *rest.Config { return testserver.Config(t, server, who) }
}

// cluster is a namespace of a target, as one test uses it.
type cluster struct {
	client.WithWatch
	naming    apis.Naming
	namespace string
}

func (tt *target) cluster(t *testing.T) *cluster {
	t.Helper()
	c, err := client.NewWithWatch(tt.admin, client.Options{Scheme: newScheme(t, tt.naming)})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "scenario-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return &cluster{WithWatch: c, naming: tt.naming, namespace: namespace.Name}
}
